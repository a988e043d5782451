package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// head is the fields that every config shares.
type head struct {
	id           identity
	name, spanID string
	tags         map[string]string
	start, end   time.Time
}

// head returns the shared fields of a config, without times that a line cannot say, which
// are reported.
func (l *Logger) head(kind messages.Entity, action messages.Action, h head) head {
	ref := messages.Ref{Entity: kind, ID: h.id.wire}
	h.start, h.end = l.given(h.start, ref, action, "StartTime"), l.given(h.end, ref, action, "EndTime")
	return h
}

// write writes the shared fields; bare leaves empty tags out, as the protocol does
// for tool calls and errors.
func (h head) write(w *wire.Encoder, bare bool) {
	w.Optional("name", h.name)
	w.Optional("spanId", h.spanID)
	if tags := h.id.tagged(h.tags); len(tags) > 0 || !bare {
		w.Strings("tags", tags)
	}
	w.Time("startTimestamp", or(h.start, w.At()))
	if !h.end.IsZero() {
		w.Time("endTimestamp", h.end)
	}
}

// create begins a session or a trace with its own line.
func (l *Logger) create(ref messages.Ref, route *messages.Route, given *string, write func(*wire.Encoder)) entity {
	e := entity{l, ref, route, given}
	w := l.line(ref, messages.Create)
	if w == nil {
		return entity{}
	}
	write(w)
	if ref.Entity != messages.Session {
		l.actors.Register(ref, route)
	}
	if !e.send(w, messages.Command{Action: messages.Create, NewEntity: &messages.NewEntity{Child: ref}}) {
		l.actors.Forget(ref, route)
	}
	return e
}

// add begins a child of a trace or span with a line of its parent. spanID names the
// span that the child hangs below where that is not the addressed entity itself.
func (e entity) add(action messages.Action, kind messages.Entity, given, spanID string, write func(w *wire.Encoder, id identity)) entity {
	if e.log == nil {
		return entity{}
	}
	id := e.log.identify(kind.String(), given)
	ref := messages.Ref{Entity: kind, ID: id.wire}
	w := e.log.line(e.ref, action)
	if w == nil {
		return entity{}
	}
	write(w, id)
	child := entity{e.log, ref, e.route, id.given}
	if kind != messages.Error {
		e.log.actors.Register(ref, e.route)
	}
	parent := e.ref
	if spanID != "" {
		parent = messages.Ref{Entity: messages.Span, ID: spanID}
	}
	if parent == e.route.Owner() {
		parent = messages.Ref{}
	}
	if !e.send(w, messages.Command{Action: action, NewEntity: &messages.NewEntity{Child: ref, Parent: parent}}) {
		e.log.actors.Forget(ref, e.route)
	}
	return child
}

// spanOf returns the span id that a child of e carries: e's own if e is a span.
func (e entity) spanOf(given string) string {
	if e.ref.Entity == messages.Span {
		return e.ref.ID
	}
	return given
}

func (e entity) addSpan(c SpanConfig) *Span {
	c.SpanID = e.spanID(c.SpanID)
	span := e.spanOf(c.SpanID)
	child := e.add(messages.AddSpan, messages.Span, c.ID, span, func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		e.log.head(messages.Span, messages.AddSpan, head{id, c.Name, span, c.Tags, c.StartTime, c.EndTime}).write(w, false)
	})
	return &Span{child}
}

func (e entity) addGeneration(c GenerationConfig) *Generation {
	c.SpanID = e.spanID(c.SpanID)
	span := e.spanOf(c.SpanID)
	var images []image
	child := e.add(messages.AddGeneration, messages.Generation, c.ID, span, func(w *wire.Encoder, id identity) {
		e.log.head(messages.Generation, messages.AddGeneration, head{id, c.Name, span, c.Tags, c.StartTime, c.EndTime}).write(w, false)
		w.Optional("model", c.Model)
		w.String("provider", provider(c.Provider))
		w.Optional("maximPromptId", c.MaximPromptID)
		w.Optional("maximPromptVersionId", c.MaximPromptVersionID)
		ref := messages.Ref{Entity: messages.Generation, ID: id.wire}
		images = e.log.messages(w, ref, messages.AddGeneration, c.Messages)
		e.log.jsonTexts(w, ref, messages.AddGeneration, "modelParameters", c.ModelParameters, false)
		w.String("id", id.wire)
	})
	child.attachImages(images)
	return &Generation{child, e.log.newBill(&c)}
}

func (e entity) addRetrieval(c RetrievalConfig) *Retrieval {
	c.SpanID = e.spanID(c.SpanID)
	child := e.add(messages.AddRetrieval, messages.Retrieval, c.ID, e.spanOf(c.SpanID), func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		e.log.head(messages.Retrieval, messages.AddRetrieval, head{id, c.Name, c.SpanID, c.Tags, c.StartTime, c.EndTime}).write(w, false)
	})
	return &Retrieval{child}
}

func (e entity) addToolCall(c ToolCallConfig) *ToolCall {
	c.SpanID = e.spanID(c.SpanID)
	child := e.add(messages.AddToolCall, messages.ToolCall, c.ID, e.spanOf(c.SpanID), func(w *wire.Encoder, id identity) {
		e.log.head(messages.ToolCall, messages.AddToolCall, head{id, c.Name, c.SpanID, c.Tags, c.StartTime, c.EndTime}).write(w, true)
		w.Optional("description", c.Description)
		if c.Args != nil {
			e.log.anyField(w, messages.Ref{Entity: messages.ToolCall, ID: id.wire}, messages.AddToolCall, "args", c.Args)
		}
		w.String("id", id.wire)
	})
	return &ToolCall{child}
}

func (e entity) addError(c ErrorConfig) *LoggedError {
	c.SpanID = e.spanID(c.SpanID)
	child := e.add(messages.AddError, messages.Error, c.ID, e.spanOf(c.SpanID), func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		e.log.head(messages.Error, messages.AddError, head{id, c.Name, c.SpanID, c.Tags, c.StartTime, time.Time{}}).write(w, true)
		w.Optional("message", c.Message)
		w.Optional("code", c.Code)
		w.Optional("errorType", c.Type)
		if len(c.Metadata) > 0 {
			w.Name("metadata")
			w.Open('{')
			child := entity{e.log, messages.Ref{Entity: messages.Error, ID: id.wire}, e.route, id.given}
			child.values(w, messages.AddError, c.Metadata)
			w.Close('}')
		}
	})
	return &LoggedError{child}
}

// anyField writes a field of any value; one without JSON is left out and reported.
func (l *Logger) anyField(w *wire.Encoder, ref messages.Ref, action messages.Action, key string, v any) {
	if err := w.Any(key, v); err != nil {
		l.leftOut(ref, action, key, err, true)
	}
}
