package logger

import "time"

// ErrorConfig logs an error. Every field is optional.
type ErrorConfig struct {
	ID        string            // default: a new UUID
	Name      string            // shown in the viewer
	Message   string            // the text of the error
	Code      string            // such as an HTTP status
	Type      string            // the kind of error, such as the name of its Go type
	SpanID    string            // the span it belongs to; ignored by Span.AddError
	Tags      map[string]string // for filtering
	Metadata  map[string]any    // sent as JSON values
	StartTime time.Time         // when it happened; default: now
}

// LoggedError is the handle of a logged error. It is a value: copy it freely, and compare
// it with LoggedError{} to find out whether it is zero. Its methods may be called
// concurrently; on a zero LoggedError they do nothing. An error is a point in time: it
// needs no End.
type LoggedError struct{ entity }
