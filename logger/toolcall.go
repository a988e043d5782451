package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// ToolCallConfig begins a tool call. Every field is optional.
type ToolCallConfig struct {
	ID          string            // default: a new UUID; often the id the model gave the call
	Name        string            // the tool
	Description string            // what the tool does
	Args        any               // the arguments: JSON text, or anything with a JSON form
	SpanID      string            // the span it is part of; a span's own AddToolCall sets it
	Tags        map[string]string // for filtering
	StartTime   time.Time         // default: now
	EndTime     time.Time         // for a call that is over already
}

// ToolCall is the handle of a tool call. Its methods may be called concurrently; on
// a nil or zero handle they do nothing.
type ToolCall struct{ entity }

func (t *ToolCall) e() entity {
	if t == nil {
		return entity{}
	}
	return t.entity
}

// ID returns the tool call's id, as it was given.
func (t *ToolCall) ID() string { return t.e().id() }

// Update sends fields by their names on the wire. Values without a JSON form are
// left out and reported.
func (t *ToolCall) Update(data map[string]any) { t.e().updateWith(data) }

func (e entity) updateWith(data map[string]any) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		e.fields(w, messages.Update, data)
		return true
	})
}

// Result logs what the tool returned and ends the call. Values other than strings
// are sent as their JSON text.
func (t *ToolCall) Result(result any) { t.e().toolResult(result) }

func (e entity) toolResult(v any) {
	if e.log == nil {
		return
	}
	defer e.end(EndConfig{}, true)
	e.update(messages.Result, func(w *wire.Encoder) bool {
		if err := w.JSONText("result", v); err != nil {
			e.log.leftOut(e.ref, messages.Result, "result", err, false)
			return false
		}
		return true
	})
}

// Error logs that the tool failed, and ends the call.
func (t *ToolCall) Error(d ErrorDetail) { t.e().toolError(d) }

func (e entity) toolError(d ErrorDetail) {
	if e.log == nil {
		return
	}
	defer e.end(EndConfig{}, true)
	w := e.log.line(e.ref, messages.Fail)
	if w == nil {
		return
	}
	w.Name("error")
	w.Open('{')
	w.String("message", d.Message)
	w.Optional("code", d.Code)
	w.Optional("type", d.Type)
	w.Close('}')
	e.send(w, messages.Command{Action: messages.Fail, Failed: true})
}

// AddTag sets a tag.
func (t *ToolCall) AddTag(key, value string) { t.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (t *ToolCall) AddMetadata(m map[string]any) { t.e().addMetadata(m) }

// AddMetric sets a numeric metric.
func (t *ToolCall) AddMetric(name string, value float64) { t.e().addMetric(name, value) }

// Evaluate asks the server for evaluations.
func (t *ToolCall) Evaluate() *Evaluation { return t.e().evaluation() }

// SetStartTimestamp corrects when the call began. The zero time is
// rejected with ErrInvalidTime.
func (t *ToolCall) SetStartTimestamp(at time.Time) { t.e().setTime("startTimestamp", at) }

// SetEndTimestamp corrects when the call ended. The zero time is
// rejected with ErrInvalidTime.
func (t *ToolCall) SetEndTimestamp(at time.Time) { t.e().setTime("endTimestamp", at) }

// End ends the call now. Result and Error have done so already.
func (t *ToolCall) End() { t.e().end(EndConfig{}, false) }

// EndWith ends the call at a given time or with further data.
func (t *ToolCall) EndWith(c EndConfig) { t.e().end(c, false) }

// HandOver says that another process goes on with the call: this one will not end it.
func (t *ToolCall) HandOver() { t.e().handOver() }
