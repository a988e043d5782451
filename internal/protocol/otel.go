package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// TraceID is a trace id of W3C Trace Context and OpenTelemetry. The zero id is none.
type TraceID [16]byte

// SpanID is a span id of W3C Trace Context and OpenTelemetry. The zero id is none.
type SpanID [8]byte

// String returns 32 hexadecimal digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// String returns 16 hexadecimal digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// TraceIDOf returns the id that a trace has for OpenTelemetry: the digits of an id that
// is 32 hexadecimal digits or a UUID, else the beginning of the SHA-256 of its safe id. The
// client announces it in traceparent headers.
func TraceIDOf(id string) TraceID {
	if t, ok := ParseTraceID(id); ok {
		return t
	}
	if digits, ok := uuidDigits(id); ok {
		if t, ok := ParseTraceID(digits); ok {
			return t
		}
	}
	sum := sha256.Sum256([]byte(SafeID(id)))
	return TraceID(sum[:16])
}

// SpanIDOf returns the id that an entity has for OpenTelemetry as the parent of spans: the
// beginning of the SHA-256 of its safe id. The client announces it in traceparent headers.
func SpanIDOf(id string) SpanID {
	sum := sha256.Sum256([]byte(SafeID(id)))
	return SpanID(sum[:8])
}

// ParseTraceID reads 32 lower-case hexadecimal digits that are not all zero.
func ParseTraceID(s string) (t TraceID, ok bool) {
	ok = parseHex(t[:], s) && t != TraceID{}
	return t, ok
}

// ParseSpanID reads 16 lower-case hexadecimal digits that are not all zero.
func ParseSpanID(s string) (id SpanID, ok bool) {
	ok = parseHex(id[:], s) && id != SpanID{}
	return id, ok
}

// parseHex decodes exactly enough lower-case digits to fill into. W3C Trace Context forbids upper
// case.
func parseHex(into []byte, s string) bool {
	if len(s) != 2*len(into) {
		return false
	}
	for i := range into {
		high, low := digit(s[2*i]), digit(s[2*i+1])
		if high < 0 || low < 0 {
			return false
		}
		into[i] = byte(high<<4 | low)
	}
	return true
}

// digit returns the value of a hexadecimal digit, or -1 for any other byte.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	default:
		return -1
	}
}

// uuidDigits returns the digits of a UUID, in lower case.
func uuidDigits(id string) (string, bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return "", false
	}
	return strings.ToLower(id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:]), true
}
