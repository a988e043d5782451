package troupeotel

import (
	"encoding/json"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/internal/otlp"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/pricing"
)

// describe returns the entity that a span becomes.
func describe(s sdktrace.ReadOnlySpan, attributes []otlp.Attribute) otlp.Description {
	from := otlp.Span{
		TraceID: s.SpanContext().TraceID(), ID: s.SpanContext().SpanID(), Parent: s.Parent().SpanID(),
		Name: s.Name(), Start: s.StartTime(), End: s.EndTime(), Attributes: attributes,
		Failed: s.Status().Code == codes.Error, Status: s.Status().Description, Scope: s.InstrumentationScope().Name,
	}
	for _, e := range s.Events() {
		from.Events = append(from.Events, otlp.Event{At: e.Time, Name: e.Name, Attributes: attributesOf(e.Attributes)})
	}
	return otlp.Describe(&from)
}

// begun are the first fields of an entity, by their names on the wire.
type begun struct {
	Model       string                     `json:"model"`
	Provider    string                     `json:"provider"`
	Messages    []json.RawMessage          `json:"messages"`
	Parameters  map[string]json.RawMessage `json:"modelParameters"`
	Usage       json.RawMessage            `json:"usage"`
	Description string                     `json:"description"`
	Args        json.RawMessage            `json:"args"`
	Input       json.RawMessage            `json:"input"`
	Output      json.RawMessage            `json:"output"`
	Docs        json.RawMessage            `json:"docs"`
	Tags        map[string]string          `json:"tags"`
	Metadata    map[string]any             `json:"metadata"`
	Metrics     map[string]float64         `json:"metrics"`
	Cost        *pricing.Cost              `json:"cost"`
}

// about is the data of a line about an entity.
type about struct {
	Result    json.RawMessage `json:"result"`
	Error     failure         `json:"error"`
	Name      string          `json:"name"`
	Timestamp time.Time       `json:"timestamp"`
	Start     time.Time       `json:"startTimestamp"`
	Message   string          `json:"message"`
	Code      string          `json:"code"`
	Type      string          `json:"errorType"`
	Metadata  map[string]any  `json:"metadata"`
}

type failure struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    string `json:"code"`
}

func (f failure) detail() logger.Failure {
	return logger.Failure{Message: f.Message, Type: f.Type, Code: f.Code}
}

// recorder logs one span that has ended.
type recorder struct {
	live   *liveSpan
	start  time.Time
	end    time.Time
	d      *otlp.Description
	fields begun
}

// record logs a span that has ended; of one that was logged when it began, the rest.
func record(l *liveSpan, s sdktrace.ReadOnlySpan, d *otlp.Description) {
	r := recorder{live: l, start: s.StartTime(), end: s.EndTime(), d: d}
	_ = json.Unmarshal(d.Fields, &r.fields) // fields of another type are skipped
	switch {
	case l.span != (logger.Span{}):
		r.step(l.span)
	case d.Kind == protocol.Generation:
		r.generation()
	case d.Kind == protocol.ToolCall:
		r.tool()
	case d.Kind == protocol.Retrieval:
		r.retrieval()
	default:
		r.step(l.around.AddSpan(logger.SpanConfig{ID: d.ID, Name: d.Name, StartTime: r.start}))
	}
}

// each calls fn for each line about the entity. Events and errors that fn does not take are logged
// in the scope around the span.
func (r *recorder) each(fn func(action string, a *about) bool) {
	for _, said := range r.d.About {
		var a about
		_ = json.Unmarshal(said.Data, &a)
		if fn(said.Action, &a) {
			continue
		}
		switch said.Action {
		case protocol.AddEvent.String():
			r.live.around.AddEvent(a.event())
		case protocol.AddError.String():
			r.live.around.AddError(a.failed(r.d.Name))
		}
	}
}

func (a *about) event() logger.EventConfig {
	return logger.EventConfig{Name: a.Name, Time: a.Timestamp, Metadata: a.Metadata}
}

func (a *about) failed(name string) logger.ErrorConfig {
	return logger.ErrorConfig{Name: name, Message: a.Message, Type: a.Type, Code: a.Code, Metadata: a.Metadata, StartTime: a.Start}
}

func (r *recorder) generation() {
	f := &r.fields
	c := logger.GenerationConfig{
		ID: r.d.ID, Name: r.d.Name, Model: f.Model, Provider: f.Provider, Tags: f.Tags, StartTime: r.start,
		ModelParameters: map[string]any{},
	}
	for _, m := range f.Messages {
		c.Messages = append(c.Messages, logger.MessageOf(m))
	}
	for name, value := range f.Parameters {
		c.ModelParameters[name] = plain(value)
	}
	g := r.live.around.AddGeneration(c)
	g.AddMetadata(f.Metadata)
	for name, value := range f.Metrics {
		g.AddMetric(name, value)
	}
	if f.Cost != nil {
		g.AddCost(*f.Cost)
	}
	logged := false
	r.each(func(action string, a *about) bool {
		if action == "result" {
			logged = true
			if why, ok := onlyFailed(a.Result); ok {
				g.Fail(why.detail())
			} else {
				g.Result(a.Result)
			}
		}
		return action == "result"
	})
	if !logged && f.Usage != nil {
		logged = true
		g.Result(completionOf(r.d.ID, r.start, f.Usage))
	}
	if !logged {
		g.EndWith(logger.EndConfig{EndTime: r.end})
		return
	}
	r.endedAt(g.SetEndTime)
}

// onlyFailed returns the error of a result that has nothing else.
func onlyFailed(result json.RawMessage) (failure, bool) {
	var members map[string]json.RawMessage
	var f failure
	if json.Unmarshal(result, &members) != nil || len(members) != 1 || members["error"] == nil {
		return f, false
	}
	return f, json.Unmarshal(members["error"], &f) == nil
}

// completionOf returns a chat completion with nothing but the usage.
func completionOf(id string, at time.Time, usage json.RawMessage) any {
	return map[string]any{"id": id, "object": "chat.completion", "created": at.Unix(), "choices": []any{}, "usage": usage}
}

// endedAt corrects the end of an entity that was logged later than it ended.
func (r *recorder) endedAt(set func(time.Time)) {
	if time.Since(r.end) > noticeable {
		set(r.end)
	}
}

// noticeable is the least delay that is corrected: it costs a line.
const noticeable = 5 * time.Millisecond

func (r *recorder) tool() {
	f := &r.fields
	c := logger.ToolCallConfig{ID: r.d.ID, Name: r.d.Name, Description: f.Description, Tags: f.Tags, StartTime: r.start}
	if f.Args != nil {
		c.Args = plain(f.Args)
	}
	t := r.live.around.AddToolCall(c)
	t.AddMetadata(f.Metadata)
	for name, value := range f.Metrics {
		t.AddMetric(name, value)
	}
	logged := false
	r.each(func(action string, a *about) bool {
		switch action {
		case "result":
			logged = true
			t.Result(plain(a.Result))
		case "error":
			logged = true
			t.Fail(a.Error.detail())
		default:
			return false
		}
		return true
	})
	if !logged {
		t.EndWith(logger.EndConfig{EndTime: r.end})
		return
	}
	r.endedAt(t.SetEndTime)
}

func (r *recorder) retrieval() {
	f := &r.fields
	retrieval := r.live.around.AddRetrieval(logger.RetrievalConfig{ID: r.d.ID, Name: r.d.Name, Tags: f.Tags, StartTime: r.start})
	retrieval.AddMetadata(f.Metadata)
	if f.Input != nil {
		retrieval.SetInput(plain(f.Input))
	}
	r.each(func(string, *about) bool { return false })
	if f.Docs == nil {
		retrieval.EndWith(logger.EndConfig{EndTime: r.end})
		return
	}
	retrieval.SetOutput(f.Docs)
	r.endedAt(retrieval.SetEndTime)
}

// step logs the fields of a span: its input and output, errors and events.
func (r *recorder) step(s logger.Span) {
	f := &r.fields
	if r.d.Input != "" {
		s.SetInput(r.d.Input)
	}
	for key, value := range f.Tags {
		s.AddTag(key, value)
	}
	s.AddMetadata(f.Metadata)
	r.each(func(action string, a *about) bool {
		switch action {
		case protocol.AddEvent.String():
			s.AddEvent(a.event())
		case protocol.AddError.String():
			s.AddError(a.failed(r.d.Name))
		default:
			return false
		}
		return true
	})
	end := logger.EndConfig{EndTime: r.end}
	if f.Output != nil {
		end.Data = map[string]any{"output": f.Output}
	}
	s.EndWith(end)
}

// plain returns a text as it is, and anything else as its JSON.
func plain(raw json.RawMessage) any {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return raw
}
