package logger

import (
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// validTime reports whether a line can hold t and t was set at all: the zero time is in the
// year 1, and so are times computed from it.
func validTime(t time.Time) bool {
	year := t.UTC().Year()
	return year > 1 && year <= 9999
}

// or returns t, or other if t is zero.
func or(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// validOrZero returns the time in a field of a config, or the zero time if a line cannot
// hold it, which it reports.
func (p *pipeline) validOrZero(t time.Time, ref messages.Ref, action messages.Action, field string) time.Time {
	if t.IsZero() || validTime(t) {
		return t
	}
	bad := p.badTime(t, ref, action, field)
	bad.Kept = true
	p.reject(bad)
	return time.Time{}
}

// badTime describes a time that a line cannot hold.
func (p *pipeline) badTime(t time.Time, ref messages.Ref, action messages.Action, field string) *Error {
	text := "is in the year " + strconv.Itoa(t.UTC().Year()) + ", which is not from 2 to 9999"
	if t.IsZero() {
		text = "is the zero time"
	}
	return p.problem(ref, action, ErrInvalidTime, field+" "+text+"; it is left out")
}

// setTime sends an update of a time of the entity, or rejects one that a line cannot hold.
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

// timeFields are the members of a line's data that hold times.
var timeFields = map[string]bool{"startTimestamp": true, "endTimestamp": true, "timestamp": true}

// badField reports whether a member of a line's data is a time that a line cannot hold, and
// if so, reports it to OnError.
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
