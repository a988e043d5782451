package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// SpanConfig begins a span. Every field is optional.
type SpanConfig struct {
	ID        string            // default: a new UUID
	Name      string            // what the viewer shows
	SpanID    string            // the span it is part of; a span's own AddSpan sets it
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a span that is over already
}

// Span is the handle of a span: a part of a trace, such as one agent's work. Its
// methods may be called concurrently; on a nil or zero handle they do nothing.
type Span struct{ entity }

func (s *Span) e() entity {
	if s == nil {
		return entity{}
	}
	return s.entity
}

// ID returns the span's id, as it was given.
func (s *Span) ID() string { return s.e().id() }

// AddSpan begins a span within the span.
func (s *Span) AddSpan(c SpanConfig) *Span { return s.e().addSpan(c) }

// AddGeneration begins a model call in the span.
func (s *Span) AddGeneration(c GenerationConfig) *Generation { return s.e().addGeneration(c) }

// AddRetrieval begins a retrieval in the span.
func (s *Span) AddRetrieval(c RetrievalConfig) *Retrieval { return s.e().addRetrieval(c) }

// AddToolCall begins a tool call in the span.
func (s *Span) AddToolCall(c ToolCallConfig) *ToolCall { return s.e().addToolCall(c) }

// AddError logs an error in the span.
func (s *Span) AddError(c ErrorConfig) *LoggedError { return s.e().addError(c) }

// SetInput sets the text that the span works on.
func (s *Span) SetInput(text string) { s.e().setSpanInput(text) }

func (e entity) setSpanInput(text string) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.Name("input")
		w.Open('{')
		w.String("type", "text")
		w.String("value", text)
		w.Close('}')
		return true
	})
}

// AddTag sets a tag.
func (s *Span) AddTag(key, value string) { s.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (s *Span) AddMetadata(m map[string]any) { s.e().addMetadata(m) }

// AddEvent logs a point in time.
func (s *Span) AddEvent(c EventConfig) { s.e().addEvent(c) }

// AddAttachment attaches a file, bytes or a URL.
func (s *Span) AddAttachment(a Attachment) { s.e().addAttachment(a) }

// Evaluate asks the server for evaluations.
func (s *Span) Evaluate() *Evaluation { return s.e().evaluation() }

// SetStartTimestamp corrects when the span began. The zero time is
// rejected with ErrInvalidTime.
func (s *Span) SetStartTimestamp(t time.Time) { s.e().setTime("startTimestamp", t) }

// SetEndTimestamp corrects when the span ended. The zero time is
// rejected with ErrInvalidTime.
func (s *Span) SetEndTimestamp(t time.Time) { s.e().setTime("endTimestamp", t) }

// End ends the span now. A later call is still logged.
func (s *Span) End() { s.e().end(EndConfig{}, false) }

// EndWith ends the span at a given time or with further data.
func (s *Span) EndWith(c EndConfig) { s.e().end(c, false) }

// HandOver says that another process goes on with the span: this one will not end it.
func (s *Span) HandOver() { s.e().handOver() }
