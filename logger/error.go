package logger

import "time"

// ErrorConfig logs an error. Every field is optional.
type ErrorConfig struct {
	// ID identifies the error. Default: a new UUID.
	ID string
	// Name is shown in the viewer, such as the name of the failing component.
	Name string
	// Message is the text of the error.
	Message string
	// Code is a code such as an HTTP status.
	Code string
	// Type is the kind of the error, such as the name of its Go type.
	Type string
	// SpanID is the span that the error belongs to, as in RetrievalConfig.
	SpanID string
	// Tags are key-value pairs for filtering.
	Tags map[string]string
	// Metadata is sent as JSON values. Values without a JSON form are left out and reported.
	Metadata map[string]any
	// StartTime is when the error happened. Default: now.
	StartTime time.Time
}

// LoggedError is the handle of a logged error. It is a value: copy it freely, and compare
// it with LoggedError{} to find out whether it is zero. Its methods may be called
// concurrently; on a zero LoggedError they do nothing. An error is a point in time: it
// needs no End.
type LoggedError struct{ entity }
