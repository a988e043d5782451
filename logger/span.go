package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// SpanConfig begins a span. Every field is optional.
type SpanConfig struct {
	// ID identifies the span. Default: a new UUID.
	ID string
	// Name is shown in the viewer, such as the name of an agent.
	Name string
	// SpanID is the span that this one is part of. Span.AddSpan ignores it. Empty means that
	// the span is part of the trace.
	SpanID string
	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the span began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a span that is over already. Without it, End sets the time.
	EndTime time.Time
}

// Span is the handle of a span: a part of a trace, such as the work of one agent. It is a
// value: copy it freely, and compare it with Span{} to find out whether it is zero. Its
// methods may be called concurrently; on a zero Span they do nothing.
type Span struct{ container }

// SetInput sets the input of the span: a string, or anything else with a JSON form, which
// is sent as its JSON text. Nil is ignored.
func (s Span) SetInput(input any) {
	if input == nil {
		return
	}
	s.update(messages.Update, func(w *wire.Encoder) bool {
		w.Name("input")
		w.Open('{')
		w.String("type", "text")
		if err := w.JSONText("value", input); err != nil {
			s.pipe.reportDropped(s.ref, messages.Update, "input", err, false)
			return false
		}
		w.Close('}')
		return true
	})
}

// SetOutput sets the output of the span: a string, or anything with a JSON form. Nil is
// ignored. It does not end the span.
func (s Span) SetOutput(output any) { s.value("output", output) }
