package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// SpanConfig begins a span. Every field is optional.
type SpanConfig struct {
	ID        string            // default: a new UUID
	Name      string            // shown in the viewer
	SpanID    string            // the span it is part of; ignored by Span.AddSpan
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a span that is over already
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
