package otlp

import (
	"errors"
	"mime"
)

// Format is an encoding of requests and responses.
type Format uint8

// The encodings of OTLP/HTTP.
const (
	Protobuf Format = iota
	JSON
)

// ParseFormat returns the format that a Content-Type names, or false if it names another.
func ParseFormat(contentType string) (Format, bool) {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return 0, false
	case media == JSON.ContentType():
		return JSON, true
	case media == Protobuf.ContentType():
		return Protobuf, true
	}
	return 0, false
}

// ContentType returns the media type of the format.
func (f Format) ContentType() string {
	if f == JSON {
		return "application/json"
	}
	return "application/x-protobuf"
}

// ErrMalformed is returned for a body that is not an export request in its format.
// Do not retry: sending it again fails again.
var ErrMalformed = errors.New("otlp: the body is not an export request of traces in the format that its Content-Type names")

// Reasons for rejecting single spans.
var (
	errSpan   = errors.New("a span is malformed")
	errIDs    = errors.New("a span has no valid trace id and span id")
	errDeep   = errors.New("the attributes of a span are nested too deep")
	errValues = errors.New("a span has too many values")
	errLarge  = errors.New("a span is larger than a log line may be")
)
