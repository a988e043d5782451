package otlp

import (
	"encoding/hex"
	"time"
)

// Limits of one span. A span that exceeds them is rejected; the rest of the request is stored.
const (
	maxValues = 100_000 // attributes, and elements within them, of one span
	maxNested = 64      // arrays and lists within one another
)

type (
	traceID [16]byte
	spanID  [8]byte
)

func (t traceID) String() string { return hex.EncodeToString(t[:]) }
func (s spanID) String() string  { return hex.EncodeToString(s[:]) }

// span is a decoded span.
type span struct {
	trace      traceID
	id, parent spanID // parent is zero if there is none
	remote     bool   // the parent is in another process
	name       string
	kind       uint64
	start, end uint64 // nanoseconds since 1970, 0 if unknown
	attributes attributes
	events     []event
	links      []link
	failed     bool   // its status is an error
	status     string // the status message
}

type event struct {
	at         uint64
	name       string
	attributes attributes
	used       bool // it is a message or an error
}

type link struct {
	trace      traceID
	span       spanID
	attributes attributes
}

// flagRemote marks a span whose parent is in another process. It is valid only together
// with flagKnown.
const flagKnown, flagRemote = 0x100, 0x200

func (s *span) setFlags(flags uint64) {
	s.remote = flags&flagKnown != 0 && flags&flagRemote != 0
}

// timeOf converts nanoseconds since 1970; 0 means unknown and gives the zero time.
func timeOf(nanos uint64) time.Time {
	if nanos == 0 || nanos > 1<<63-1 {
		return time.Time{}
	}
	return time.Unix(0, int64(nanos)).UTC()
}

// spanKinds and statusCodes are the enums of spans, by their numbers.
var (
	spanKinds   = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}
	statusCodes = [...]string{"unset", "ok", "error"}
)

// statusError is the status code of a failed span.
const statusError = 2

// set sets the id unless b has the wrong length.
func (t *traceID) set(b []byte) {
	if len(b) == len(t) {
		*t = traceID(b)
	}
}

// set sets the id unless b has the wrong length.
func (s *spanID) set(b []byte) {
	if len(b) == len(s) {
		*s = spanID(b)
	}
}

// origin is the resource and scope of spans.
type origin struct {
	resource attributes
	scope    string

	service string // service.name of the resource; set by describe
}

// describe reads the resource attributes that spans need.
func (o *origin) describe() { o.service = o.resource.look("service.name") }

// reader finds the spans in a body, in order, and calls fn with each one still encoded.
// It returns ErrMalformed if the body as a whole is unreadable, else the first error of fn.
// fn may retain the origin but must not change it.
type reader func(body []byte, fn func(from *origin, encoded []byte) error) error

// counter counts the values of one span.
type counter struct{ values int }

func (c *counter) add() error {
	if c.values++; c.values > maxValues {
		return errValues
	}
	return nil
}
