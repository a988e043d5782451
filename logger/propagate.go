package logger

import (
	"cmp"
	"context"
	"net/http"
	"unicode"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/messages"
)

// maxPropagated limits a name in a header, in bytes. Longer ones are ignored.
const maxPropagated = 256

// Inject writes the session, trace and span of ctx into the headers of a request to another
// process, for its Extract or Middleware. Ids travel in the form that lines carry, in
// x-maxim-trace-id, x-maxim-session-id and, together with the span, in the members
// troupe-session, troupe-trace and troupe-span of baggage. x-maxim-generation-name carries
// the name that NameGeneration set. Without a trace or session in ctx, only that is written.
//
// For tools that know W3C Trace Context it writes a traceparent too, unless there is one
// already, such as one of OpenTelemetry. Its trace id continues the trace that Extract found;
// otherwise it is the digits of the trace's id if that is a UUID, and the beginning of the
// id's SHA-256 if not. The parent id is the beginning of the SHA-256 of the span's id or, if
// there is no span, of the trace's id. The sampled flag comes from the trace that Extract
// found; otherwise it is set unless Config.Sample drops the trace. Foreign members of a
// baggage stay.
//
// The session, trace and span are handed over, see Trace.HandOver: the other process may
// still write to them, so this one does not end them if nobody does.
func Inject(ctx context.Context, h http.Header) {
	s := FromContext(ctx)
	if h == nil {
		return
	}
	if s.generation != "" {
		set(h, protocol.HeaderGeneration, s.generation)
	}
	if s.pipe == nil {
		return
	}
	var members []string
	carry := func(e entity, key, header string) {
		if e.pipe == nil {
			return
		}
		members = append(members, key+"="+e.ref.ID)
		if header != "" {
			h[header] = []string{e.ref.ID}
		}
		e.HandOver()
	}
	carry(s.Session().entity, baggageSession, protocol.HeaderSession)
	carry(s.trace, baggageTrace, protocol.HeaderTrace)
	carry(s.span, baggageSpan, "")
	if members == nil {
		return
	}
	mergeBaggage(h, members)
	if s.trace.pipe != nil && h[headerTraceparent] == nil {
		set(h, headerTraceparent, s.traceparent())
		if s.w3c.state != "" {
			set(h, headerTracestate, s.w3c.state)
		}
	}
}

// set sets a header by its canonical name, unless the value cannot be sent or would be
// ignored by Extract.
func set(h http.Header, name, value string) {
	if name == headerTracestate || propagates(value) {
		h[name] = []string{value}
	}
}

// Extract returns a context whose work belongs to the session, trace and span that the
// headers of a request name, as Inject or a Maxim SDK wrote them. The logger is the one of
// ctx. If ctx carries none or the headers name nothing, the place in the log stays as it is
// in ctx. Entities that are begun in the trace or span are logged in the trace of the other
// process, which still owns it: this process ends only entities that it began itself.
//
// An x-maxim header takes precedence over the baggage. An id that a line cannot hold is
// replaced by its safe form, as in any call, see Stats.Derived; it never panics, not even with
// Config.PanicOnMisuse. A traceparent alone names no trace of this log, but Inject passes it
// on. If Config.Sample is the same in both processes, a session is logged by both or by none,
// and so is a trace outside sessions.
//
// Whoever can send the headers can write to any trace whose id is known. Remove x-maxim-* and
// baggage from requests that come from outside.
func Extract(ctx context.Context, h http.Header) context.Context {
	ctx = orBackground(ctx)
	s := FromContext(ctx)
	if s.pipe == nil {
		return ctx
	}
	found := Scope{pipe: s.pipe, generation: s.generation, w3c: parseTraceparent(h)}
	if name := one(h, protocol.HeaderGeneration); propagates(name) {
		found.generation = name
	}
	carried := parseBaggage(h)
	found.session = s.pipe.sentID(messages.Session, cmp.Or(one(h, protocol.HeaderSession), carried[baggageSession]))
	if trace := cmp.Or(one(h, protocol.HeaderTrace), carried[baggageTrace]); trace != "" {
		found.trace = s.pipe.farTrace(s.pipe.sentID(messages.Trace, trace), found.session)
		if span := carried[baggageSpan]; span != "" && protocol.SafeID(carried[baggageTrace]) == found.trace.ref.ID {
			found.span = s.pipe.spanIn(found.trace, s.pipe.sentID(messages.Span, span))
		}
	}
	if found.session.wire == "" && found.trace.pipe == nil {
		found.session, found.trace, found.span = s.session, s.trace, s.span
	}
	return withScope(ctx, found)
}

// farTrace returns a trace that another process may have begun, in a session if session is
// not zero.
func (p *pipeline) farTrace(id, session identity) entity {
	ref := messages.Ref{Entity: messages.Trace, ID: id.wire}
	if route := p.actors.Lookup(ref); route != nil {
		return entity{p, ref, route, id.given}
	}
	route := routeTo(ref, messages.Ref{}, id.given, nil)
	route.SessionHint = session.wire
	return entity{p, ref, route, id.given}
}

// spanIn returns a span of a trace that another process may have begun.
func (p *pipeline) spanIn(trace entity, id identity) entity {
	ref := messages.Ref{Entity: messages.Span, ID: id.wire}
	if route := p.actors.Lookup(ref); route != nil {
		return entity{p, ref, route, id.given}
	}
	return entity{p, ref, trace.route, id.given}
}

// one returns the value of a header, "" if there is none or more than one.
func one(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// sentID returns the identity of an entity that a header names, zero for none. It never
// panics, because a bad header is no misuse by the program.
func (p *pipeline) sentID(kind messages.Entity, id string) identity {
	if id == "" || protocol.ValidID(id) {
		return identity{wire: id}
	}
	return p.derive(kind.String(), id)
}

// propagates reports whether a text can be the value of a header and is within maxPropagated.
func propagates(text string) bool {
	if text == "" || len(text) > maxPropagated || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
