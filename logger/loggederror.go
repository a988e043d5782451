package logger

import "time"

// ErrorConfig logs an error. Every field is optional.
type ErrorConfig struct {
	ID        string            // default: a new UUID
	Name      string            // what the viewer shows
	Message   string            // what happened
	Code      string            // such as an HTTP status
	Type      string            // the kind of error
	SpanID    string            // the span it is part of; a span's own AddError sets it
	Tags      map[string]string // for filtering
	Metadata  map[string]any    // sent as JSON values
	StartTime time.Time         // when it happened; default: now
}

// LoggedError is the handle of a logged error. Its methods may be called
// concurrently; on a nil or zero handle they do nothing.
type LoggedError struct{ entity }

func (x *LoggedError) e() entity {
	if x == nil {
		return entity{}
	}
	return x.entity
}

// ID returns the error's id, as it was given.
func (x *LoggedError) ID() string { return x.e().id() }

// AddTag sets a tag.
func (x *LoggedError) AddTag(key, value string) { x.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (x *LoggedError) AddMetadata(m map[string]any) { x.e().addMetadata(m) }

// Evaluate asks the server for evaluations.
func (x *LoggedError) Evaluate() *Evaluation { return x.e().evaluation() }

// SetStartTimestamp corrects when the error happened. The zero time is
// rejected with ErrInvalidTime.
func (x *LoggedError) SetStartTimestamp(t time.Time) { x.e().setTime("startTimestamp", t) }

// SetEndTimestamp sets when it was over. The zero time is
// rejected with ErrInvalidTime.
func (x *LoggedError) SetEndTimestamp(t time.Time) { x.e().setTime("endTimestamp", t) }

// End sends an end line. An error is a point in time: there is no need to.
func (x *LoggedError) End() { x.e().end(EndConfig{}, false) }
