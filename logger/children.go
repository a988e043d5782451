package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// container is the part that traces and spans share: other entities can be begun in them.
type container struct{ entity }

// AddSpan begins a span: one part of the work, such as the turn of an agent. The Span is zero
// if the logger is closed; its methods do nothing then, here and in the other Add methods.
func (c container) AddSpan(s SpanConfig) Span {
	parent := c.parentSpan(c.safeSpanID(s.SpanID))
	child := c.begin(messages.AddSpan, messages.Span, s.ID, parent, func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		c.pipe.writeCommon(w, messages.Span, messages.AddSpan,
			commonFields{id, s.Name, parent, s.Tags, s.StartTime, s.EndTime})
	})
	return Span{container{child}}
}

// AddGeneration begins a generation: one call of a model. End it with Generation.Result or
// Generation.Fail. Images in its messages become attachments; the caller's values are never
// changed. Package llm makes these calls for every model call of an HTTP client.
func (c container) AddGeneration(g GenerationConfig) Generation {
	parent := c.parentSpan(c.safeSpanID(g.SpanID))
	var images []image
	child := c.begin(messages.AddGeneration, messages.Generation, g.ID, parent, func(w *wire.Encoder, id identity) {
		images = g.write(c.pipe, w, id, parent)
	})
	child.attachImages(images)
	return Generation{child, c.pipe.newPriceState(&g)}
}

// AddRetrieval begins a retrieval: a search for documents. End it with Retrieval.SetOutput.
func (c container) AddRetrieval(r RetrievalConfig) Retrieval {
	named := c.safeSpanID(r.SpanID)
	parent := c.parentSpan(named)
	child := c.begin(messages.AddRetrieval, messages.Retrieval, r.ID, parent, func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		c.pipe.writeCommon(w, messages.Retrieval, messages.AddRetrieval,
			commonFields{id, r.Name, named, r.Tags, r.StartTime, r.EndTime})
	})
	return Retrieval{child}
}

// AddToolCall begins a tool call: the program runs a tool that the model asked for. End it
// with ToolCall.Result or ToolCall.Fail.
func (c container) AddToolCall(t ToolCallConfig) ToolCall {
	named := c.safeSpanID(t.SpanID)
	parent := c.parentSpan(named)
	child := c.begin(messages.AddToolCall, messages.ToolCall, t.ID, parent, func(w *wire.Encoder, id identity) {
		c.pipe.writeCommon(w, messages.ToolCall, messages.AddToolCall,
			commonFields{id, t.Name, named, t.Tags, t.StartTime, t.EndTime})
		w.Optional("description", t.Description)
		if t.Args != nil {
			c.pipe.valueField(w, messages.Ref{Entity: messages.ToolCall, ID: id.wire}, messages.AddToolCall, "args", t.Args)
		}
		w.String("id", id.wire)
	})
	return ToolCall{child}
}

// AddError logs an error of the program itself. For failed model and tool calls see
// Generation.Fail and ToolCall.Fail.
func (c container) AddError(x ErrorConfig) LoggedError {
	named := c.safeSpanID(x.SpanID)
	child := c.begin(messages.AddError, messages.Error, x.ID, c.parentSpan(named), func(w *wire.Encoder, id identity) {
		w.String("id", id.wire)
		c.pipe.writeCommon(w, messages.Error, messages.AddError,
			commonFields{id, x.Name, named, x.Tags, x.StartTime, time.Time{}})
		w.Optional("message", x.Message)
		w.Optional("code", x.Code)
		w.Optional("errorType", x.Type)
		if len(x.Metadata) > 0 {
			child := entity{c.pipe, messages.Ref{Entity: messages.Error, ID: id.wire}, c.route, id.given}
			child.object(w, messages.AddError, "metadata", x.Metadata)
		}
	})
	return LoggedError{child}
}

// AddEvent logs a point in time. It has no handle and needs no end.
func (c container) AddEvent(e EventConfig) { c.addEvent(e) }

// AddAttachment attaches a file, bytes or a URL. It copies the content before it returns; see
// Attachment.
func (c container) AddAttachment(a Attachment) { c.addAttachment(a) }

// begin begins a child with a line of its parent. spanID is the span that the child is part
// of, "" for none; it differs from the addressed entity if a config names a span.
func (c container) begin(
	action messages.Action, kind messages.Entity, given, spanID string, write func(w *wire.Encoder, id identity),
) entity {
	if c.pipe == nil {
		return entity{}
	}
	// The child is registered before its line is sent, so that a call by id that follows finds
	// the route, whichever goroutine makes it.
	id := c.pipe.identify(kind.String(), given)
	ref := messages.Ref{Entity: kind, ID: id.wire}
	w := c.pipe.line(c.ref, action)
	if w == nil {
		return entity{}
	}
	write(w, id)
	child := entity{c.pipe, ref, c.route, id.given}
	if kind != messages.Error {
		c.pipe.actors.Register(ref, c.route)
	}
	parent := c.ref
	if spanID != "" {
		parent = messages.Ref{Entity: messages.Span, ID: spanID}
	}
	if parent == c.route.Owner() {
		parent = messages.Ref{}
	}
	if !c.send(w, messages.Command{Action: action, NewEntity: &messages.NewEntity{Child: ref, Parent: parent}}) {
		c.pipe.actors.Forget(ref, c.route)
	}
	return child
}

// parentSpan returns the span that a child of c is part of: c itself if it is a span, and
// otherwise the one that the child's config names.
func (c container) parentSpan(named string) string {
	if c.ref.Entity == messages.Span {
		return c.ref.ID
	}
	return named
}

// safeSpanID returns the id that lines carry for the span that a config names, "" for none.
func (c container) safeSpanID(id string) string {
	if id == "" || c.pipe == nil {
		return ""
	}
	return c.pipe.known(messages.Span.String(), id).wire
}
