package logger

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
)

// Names of the headers of W3C Trace Context and W3C Baggage.
const (
	headerTraceparent = "Traceparent"
	headerTracestate  = "Tracestate"
	headerBaggage     = "Baggage"
)

// Keys of the members of a baggage that carry ids.
const (
	baggagePrefix  = "troupe-"
	baggageSession = baggagePrefix + "session"
	baggageTrace   = baggagePrefix + "trace"
	baggageSpan    = baggagePrefix + "span"
)

// maxBaggage is the length of a baggage that every party must pass on, in bytes (W3C Baggage
// 3.3.2).
const maxBaggage = 8192

// w3cSpan is the content of a traceparent header: https://www.w3.org/TR/trace-context/.
type w3cSpan struct {
	trace string // 32 hexadecimal digits, "" for none
	flags string // 2 hexadecimal digits
	state string // tracestate, unchanged
}

// parseTraceparent reads the headers of a request. It returns the zero w3cSpan if they are
// missing or malformed. Versions later than 00 may have more fields, which are ignored.
func parseTraceparent(h http.Header) w3cSpan {
	values := h[headerTraceparent]
	if len(values) != 1 {
		return w3cSpan{}
	}
	parts := strings.Split(strings.TrimSpace(values[0]), "-")
	if len(parts) < 4 || !isHex(parts[0], 2) || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 {
		return w3cSpan{}
	}
	if !isHex(parts[1], 32) || zero(parts[1]) || !isHex(parts[2], 16) || zero(parts[2]) || !isHex(parts[3], 2) {
		return w3cSpan{}
	}
	return w3cSpan{trace: parts[1], flags: parts[3], state: strings.Join(h[headerTracestate], ",")}
}

// isHex reports whether s is a number of hexadecimal digits in lower case.
func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

// zero reports whether s consists of zeros.
func zero(s string) bool { return strings.Trim(s, "0") == "" }

// traceparent returns the header for the innermost entity of the scope. Unless the scope
// continues the trace of another system, the trace id is derived from the Troupe trace, see
// w3cTraceID.
func (s Scope) traceparent() string {
	trace, flags := s.w3c.trace, s.w3c.flags
	if trace == "" {
		trace, flags = w3cTraceID(s.trace.ref.ID), "01"
		if s.pipe.sampler != nil && s.pipe.sampler.LeavesOut(s.trace.route) {
			flags = "00"
		}
	}
	return "00-" + trace + "-" + w3cParentID(s.innermost().ref.ID) + "-" + flags
}

// w3cTraceID returns the id of a trace in traceparent headers. The collector derives the same
// id from the trace's lines.
func w3cTraceID(id string) string { return protocol.TraceIDOf(id).String() }

// w3cParentID returns the id of an entity in traceparent headers. By it, the collector finds
// the parent of spans that another process sends.
func w3cParentID(id string) string { return protocol.SpanIDOf(id).String() }

// mergeBaggage replaces the members of this package in the baggage of h. Foreign members
// stay. If the result exceeds maxBaggage, only they are kept.
func mergeBaggage(h http.Header, members []string) {
	var kept []string
	for _, value := range h[headerBaggage] {
		for member := range strings.SplitSeq(value, ",") {
			if member = strings.TrimSpace(member); member != "" && !strings.HasPrefix(member, baggagePrefix) {
				kept = append(kept, member)
			}
		}
	}
	merged := strings.Join(append(kept, members...), ",")
	if len(merged) > maxBaggage {
		merged = strings.Join(kept, ",")
	}
	if merged == "" {
		delete(h, headerBaggage)
		return
	}
	h[headerBaggage] = []string{merged}
}

// parseBaggage returns the values of this package's members, by key.
func parseBaggage(h http.Header) map[string]string {
	var found map[string]string
	for _, value := range h[headerBaggage] {
		for member := range strings.SplitSeq(value, ",") {
			member, _, _ = strings.Cut(member, ";") // without properties
			key, text, ok := strings.Cut(member, "=")
			key = strings.TrimSpace(key)
			if !ok || !strings.HasPrefix(key, baggagePrefix) {
				continue
			}
			text, err := url.PathUnescape(strings.TrimSpace(text))
			if err != nil {
				continue
			}
			if found == nil {
				found = map[string]string{}
			}
			found[key] = text
		}
	}
	return found
}
