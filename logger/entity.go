package logger

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// entity is what every handle is made of: where its calls go. The zero value is
// inert. It is immutable and safe for concurrent use.
type entity struct {
	log   *Logger // nil makes every call do nothing
	ref   messages.Ref
	route *messages.Route
	given *string // the id as the caller gave it, nil if it is ref.ID
}

// update sends a line whose data write fills in. write reports false if nothing is
// left to say: then the call is rejected, and write has reported why.
func (e entity) update(action messages.Action, write func(*wire.Encoder) bool) bool {
	return e.updateOf(messages.Command{Action: action}, write)
}

// updateOf is update with more that the actors are to know.
func (e entity) updateOf(facts messages.Command, write func(*wire.Encoder) bool) bool {
	if e.log == nil {
		return false
	}
	w := e.log.line(e.ref, facts.Action)
	if w == nil {
		return false
	}
	if !write(w) {
		w.Release()
		return false
	}
	return e.send(w, facts)
}

// send ends the line of a call and hands it on, with what the actors are to know of it.
// It reports whether the call was accepted.
func (e entity) send(w *wire.Encoder, facts messages.Command) bool {
	c := messages.NewCommand()
	*c = facts
	c.Route, c.Target = e.route, e.ref
	return e.log.send(w, c)
}

// leftOut reports a value without a JSON form. kept says that the rest of the call
// is logged.
func (l *Logger) leftOut(ref messages.Ref, action messages.Action, what string, err error, kept bool) {
	p := l.problem(ref, action, ErrUnencodable, brief.Quote(what)+" is left out")
	p.Err, p.Kept = err, kept
	l.reject(p)
}

func (e entity) addTag(key, value string) {
	if e.log == nil {
		return
	}
	w := e.log.line(e.ref, messages.Update)
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

// text sends an update of one string field.
func (e entity) text(key, value string) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.String(key, value)
		return true
	})
}

// value sends a line with one field of any value, nothing for nil. It reports
// whether it was accepted.
func (e entity) value(action messages.Action, key string, v any) bool {
	if v == nil {
		return false
	}
	return e.update(action, func(w *wire.Encoder) bool {
		if err := w.Any(key, v); err != nil {
			e.log.leftOut(e.ref, action, key, err, false)
			return false
		}
		return true
	})
}

func (e entity) addMetadata(m map[string]any) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		if e.log.jsonTexts(w, e.ref, messages.Update, "metadata", m, true) || len(m) == 0 {
			return true
		}
		e.log.reject(e.log.problem(e.ref, messages.Update, ErrUnencodable, "nothing of the metadata is left"))
		return false
	})
}

// jsonTexts writes an object as the protocol wants metadata and parameters: every
// value a string, other values as their JSON. Values that have none are left out
// and reported. It reports whether a value was written.
func (l *Logger) jsonTexts(w *wire.Encoder, ref messages.Ref, action messages.Action, key string, m map[string]any, keepNil bool) bool {
	w.Name(key)
	w.Open('{')
	written := false
	var room [8]string
	for _, k := range sortedKeys(room[:0], m) {
		v := m[k]
		if v == nil && !keepNil {
			continue
		}
		if err := w.JSONText(k, v); err != nil {
			l.leftOut(ref, action, key+"."+k, err, true)
			continue
		}
		written = true
	}
	w.Close('}')
	return written
}

// values writes an object of any values; those without JSON are left out and reported.
func (e entity) values(w *wire.Encoder, action messages.Action, m map[string]any) {
	for _, k := range sortedKeys(nil, m) {
		e.log.anyField(w, e.ref, action, k, m[k])
	}
}

// fields writes the members of a line's data: as values, without those that are nil, and
// without times that a line cannot say. It reports whether the end was among them.
func (e entity) fields(w *wire.Encoder, action messages.Action, m map[string]any) (ended bool) {
	for _, k := range sortedKeys(nil, m) {
		if m[k] != nil && !e.badField(action, k, m[k]) {
			e.log.anyField(w, e.ref, action, k, m[k])
			ended = ended || k == "endTimestamp"
		}
	}
	return ended
}

// sortedKeys appends the keys of m to an empty slice.
func sortedKeys(keys []string, m map[string]any) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (e entity) addMetric(name string, value float64) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.Name("metrics")
		w.Open('{')
		if !w.Float(name, value) {
			e.log.leftOut(e.ref, messages.Update, "metrics."+name, wire.NotANumber, false)
			return false
		}
		w.Close('}')
		return true
	})
}

func (e entity) end(c EndConfig, implied bool) {
	if e.log == nil {
		return
	}
	w := e.log.line(e.ref, messages.End)
	if w == nil {
		return
	}
	if !e.fields(w, messages.End, c.Data) {
		w.Time("endTimestamp", or(e.log.given(c.Time, e.ref, messages.End, "EndConfig.Time"), w.At()))
	}
	e.send(w, messages.Command{Action: messages.End, Implied: implied})
}

// handOver exempts the entity from being ended by this process.
func (e entity) handOver() {
	if e.log != nil && !e.log.closed.Load() {
		e.log.actors.Tell(&messages.Command{Route: e.route, Target: e.ref, HandOver: true, At: time.Now().UnixNano()})
	}
}

func (e entity) snapshot(ctx context.Context) (Snapshot, error) {
	if e.log == nil {
		return Snapshot{}, &Error{Reason: ErrUnknownEntity, Detail: "the handle is inert"}
	}
	ctx = orBackground(ctx)
	s, err := e.log.actors.Snapshot(ctx, e.route)
	if err != nil {
		reason := err
		if ctx.Err() == nil {
			reason = ErrUnknownEntity
			if e.log.closed.Load() {
				reason = ErrClosed
			}
		}
		return Snapshot{}, &Error{Reason: reason, Entity: e.ref.Entity.String(), ID: e.ref.ID}
	}
	snapshot := snapshotOf(s)
	if s.Owner == e.ref {
		snapshot.ID = e.id()
	}
	return snapshot, nil
}

// endOnPanic is the tail of a deferred EndOnPanic: it ends what is open below the
// entity and panics again with the same value.
func (e entity) endOnPanic(value any) {
	if value == nil {
		return
	}
	if e.log != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := e.log.actors.EndOpen(ctx, e.route, "panic"); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			e.log.report.tell(e.log.problem(e.ref, messages.End, ErrClosed, "the panic came after Close"))
		}
	}
	panic(value)
}

// EndConfig says more about an end.
type EndConfig struct {
	// Time is when the entity ended. Default: now.
	Time time.Time
	// Data are further fields of the end line, by their names on the wire. Values
	// without a JSON form are left out and reported.
	Data map[string]any
}
