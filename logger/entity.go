package logger

import (
	"context"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// entity is the part that all handles share: the address of one entity, and the pipeline
// that its calls go through. Every handle promotes its exported methods. The zero
// entity is inert. An entity is immutable and safe for concurrent use.
type entity struct {
	pipe  *pipeline // nil makes every call do nothing
	ref   messages.Ref
	route *messages.Route
	given *string // the id as the caller gave it, nil if it equals ref.ID
}

// ID returns the id of the entity as the caller gave it, and "" for a zero handle.
func (e entity) ID() string { return e.identity().String() }

// AddTag sets a tag. A later value replaces an earlier one with the same key.
func (e entity) AddTag(key, value string) {
	if e.pipe == nil {
		return
	}
	w := e.pipe.line(e.ref, messages.Update)
	if w == nil {
		return
	}
	w.Name("tags")
	w.Open('{')
	w.Key(key)
	w.Text(value)
	w.Close('}')
	e.send(w, messages.Command{Action: messages.Update})
}

// AddMetadata adds metadata. Values that are not strings are sent as their JSON text;
// values without a JSON form are left out and reported with ErrUnencodable.
func (e entity) AddMetadata(m map[string]any) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		if e.pipe.jsonTexts(w, e.ref, messages.Update, "metadata", m, true) || len(m) == 0 {
			return true
		}
		e.pipe.reject(e.pipe.problem(e.ref, messages.Update, ErrUnencodable, "no value of the metadata can be encoded"))
		return false
	})
}

// AddMetric sets a numeric metric. NaN and infinities are rejected with ErrUnencodable.
func (e entity) AddMetric(name string, value float64) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.Name("metrics")
		w.Open('{')
		if !w.Float(name, value) {
			e.pipe.reportDropped(e.ref, messages.Update, "metrics."+name, wire.NotANumber, false)
			return false
		}
		w.Close('}')
		return true
	})
}

// Evaluate returns a request to the server to evaluate the entity. Nothing is sent until
// one of its methods is called.
func (e entity) Evaluate() *Evaluation { return &Evaluation{of: e} }

// SetStartTime corrects the time at which the entity began. The zero time is rejected
// with ErrInvalidTime.
func (e entity) SetStartTime(t time.Time) { e.setTime("startTimestamp", t) }

// SetEndTime corrects the time at which the entity ended. It does not end it. The zero
// time is rejected with ErrInvalidTime.
func (e entity) SetEndTime(t time.Time) { e.setTime("endTimestamp", t) }

// End ends the entity now. Calls after the end are still logged, and reported with
// ErrEnded. Methods that log an outcome (Result, Fail, and SetOutput of a retrieval) have
// ended their entity already; End is harmless then. A logged error needs no end.
func (e entity) End() { e.end(EndConfig{}, false) }

// EndWith ends the entity at a given time or with further data.
func (e entity) EndWith(c EndConfig) { e.end(c, false) }

// EndConfig adds details to an end. Every field is optional.
type EndConfig struct {
	// EndTime is when the entity ended. Default: now.
	EndTime time.Time
	// Data holds further fields of the end line, by their names on the wire. Values
	// without a JSON form are left out and reported with ErrUnencodable.
	Data map[string]any
}

// end sends the end. implied marks an end that the API adds to an outcome, which an
// explicit End may follow without being reported.
func (e entity) end(c EndConfig, implied bool) {
	if e.pipe == nil {
		return
	}
	w := e.pipe.line(e.ref, messages.End)
	if w == nil {
		return
	}
	if !e.fields(w, messages.End, c.Data) {
		w.Time("endTimestamp", or(e.pipe.validOrZero(c.EndTime, e.ref, messages.End, "EndConfig.EndTime"), w.At()))
	}
	e.send(w, messages.Command{Action: messages.End, Implied: implied})
}

// HandOver exempts the entity from being ended by this process, because another process
// will end it: neither Close, Config.AutoEndAfter nor EndOnPanic ends it then.
func (e entity) HandOver() {
	if e.pipe != nil && !e.pipe.closed.Load() {
		e.pipe.actors.Tell(&messages.Command{Route: e.route, Target: e.ref, HandOver: true, At: time.Now().UnixNano()})
	}
}

// EndOnPanic is meant to be deferred. If the goroutine panics, it ends everything that
// this process left open in the trace of the handle (for a Session, in the session), with
// the metadata ended_by=panic, and panics again with the same value. It takes at most a
// second. Without a panic it does nothing.
func (e entity) EndOnPanic() {
	value := recover() // must be called by the deferred function itself
	if value == nil {
		return
	}
	if e.pipe != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := e.pipe.actors.EndOpen(ctx, e.route, "panic"); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			e.pipe.report.tell(e.pipe.problem(e.ref, messages.End, ErrClosed, "the panic came after Close"))
		}
	}
	panic(value)
}

// update sends a line whose data write fills in. write returns false if nothing is left to
// send: then it has reported the reason, and the call is rejected.
func (e entity) update(action messages.Action, write func(*wire.Encoder) bool) bool {
	return e.updateOf(messages.Command{Action: action}, write)
}

// updateOf is update with further facts for the actors.
func (e entity) updateOf(facts messages.Command, write func(*wire.Encoder) bool) bool {
	if e.pipe == nil {
		return false
	}
	w := e.pipe.line(e.ref, facts.Action)
	if w == nil {
		return false
	}
	if !write(w) {
		w.Release()
		return false
	}
	return e.send(w, facts)
}

// send finishes the line of a call and sends it down the pipeline, with facts for the
// actors. It reports whether the call was accepted.
func (e entity) send(w *wire.Encoder, facts messages.Command) bool {
	c := messages.NewCommand()
	*c = facts
	c.Route, c.Target = e.route, e.ref
	return e.pipe.send(w, c)
}

// text sends an update of one string field.
func (e entity) text(key, value string) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.String(key, value)
		return true
	})
}

// value sends an update of one field of any type, and nothing for nil.
func (e entity) value(key string, v any) {
	if v == nil {
		return
	}
	e.update(messages.Update, func(w *wire.Encoder) bool {
		if err := w.Any(key, v); err != nil {
			e.pipe.reportDropped(e.ref, messages.Update, key, err, false)
			return false
		}
		return true
	})
}
