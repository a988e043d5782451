package logger

import (
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// validTime reports whether a line can say t, and t was set at all: the zero time is in
// the year 1, and so is what is computed from it.
func validTime(t time.Time) bool {
	year := t.UTC().Year()
	return year > 1 && year <= 9999
}

// or returns t, or another time if t is not given.
func or(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// validOrZero returns the time in a field of a config. One that a line cannot say is reported,
// and counts as not given.
func (p *pipeline) validOrZero(t time.Time, ref messages.Ref, action messages.Action, field string) time.Time {
	if t.IsZero() || validTime(t) {
		return t
	}
	bad := p.badTime(t, ref, action, field)
	bad.Kept = true
	p.reject(bad)
	return time.Time{}
}

func (p *pipeline) badTime(t time.Time, ref messages.Ref, action messages.Action, field string) *Error {
	what := "is in the year " + strconv.Itoa(t.UTC().Year()) + ", which is not from 2 to 9999"
	if t.IsZero() {
		what = "is the zero time"
	}
	return p.problem(ref, action, ErrInvalidTime, field+" "+what+"; it is left out")
}

// setTime sets a time of an entity.
func (e entity) setTime(key string, t time.Time) {
	if e.pipe != nil && !validTime(t) {
		e.pipe.reject(e.pipe.badTime(t, e.ref, messages.Update, key))
		return
	}
	e.update(messages.Update, func(w *wire.Encoder) bool {
		w.Time(key, t)
		return true
	})
}

// timeFields are the members of a line's data that are times.
var timeFields = map[string]bool{"startTimestamp": true, "endTimestamp": true, "timestamp": true}

// badField reports a member of a line's data that is a time which a line cannot say, and
// returns whether it is.
func (e entity) badField(action messages.Action, key string, v any) bool {
	t, ok := v.(time.Time)
	if at, isPointer := v.(*time.Time); isPointer && at != nil {
		t, ok = *at, true
	}
	if !ok || !timeFields[key] || validTime(t) {
		return false
	}
	bad := e.pipe.badTime(t, e.ref, action, key)
	bad.Kept = true
	e.pipe.reject(bad)
	return true
}
