package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// ToolCallConfig begins a tool call. Every field is optional.
type ToolCallConfig struct {
	// ID identifies the tool call. Default: a new UUID. Use the id that the model gave the call:
	// then the viewer shows the call beside the request for it.
	ID string
	// Name is the name of the tool.
	Name string
	// Description describes the tool, as it was described to the model.
	Description string
	// Args are the arguments: JSON text, or anything with a JSON form. Nil is not sent.
	Args any
	// SpanID is the span that the call is part of, as in RetrievalConfig.
	SpanID string
	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the call began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a call that is over already. Without it, End sets the time.
	EndTime time.Time
}

// ToolCall is the handle of a tool call. It is a value: copy it freely, and compare it with
// ToolCall{} to find out whether it is zero. Its methods may be called concurrently; on a
// zero ToolCall they do nothing.
type ToolCall struct{ entity }

// Update sends fields by their names on the wire. Values without a JSON form are left out
// and reported with ErrUnencodable.
func (t ToolCall) Update(data map[string]any) {
	t.update(messages.Update, func(w *wire.Encoder) bool {
		t.fields(w, messages.Update, data)
		return true
	})
}

// Result logs the value that the tool returned, and ends the call. Values that are not
// strings are sent as their JSON text.
func (t ToolCall) Result(result any) {
	if t.pipe == nil {
		return
	}
	defer t.end(EndConfig{}, true)
	t.update(messages.Result, func(w *wire.Encoder) bool {
		if err := w.JSONText("result", result); err != nil {
			t.pipe.reportDropped(t.ref, messages.Result, "result", err, false)
			return false
		}
		return true
	})
}

// Fail logs that the tool failed, and ends the call.
func (t ToolCall) Fail(f Failure) {
	if t.pipe == nil {
		return
	}
	defer t.end(EndConfig{}, true)
	w := t.pipe.line(t.ref, messages.Fail)
	if w == nil {
		return
	}
	w.Name("error")
	w.Open('{')
	w.String("message", f.Message)
	w.Optional("code", f.Code)
	w.Optional("type", f.Type)
	w.Close('}')
	t.send(w, messages.Command{Action: messages.Fail, Failed: true})
}
