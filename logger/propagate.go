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

// maxPropagated is the longest name in bytes that travels in a header; a longer one is
// ignored.
const maxPropagated = 256

// Inject writes what the work of ctx is part of into the headers of a request to another
// process, for its Extract or Middleware. The ids of the lines, so safe ones in the place
// of ids that cannot stand in a line, travel in x-maxim-trace-id,
// x-maxim-session-id and, with the span, in the members troupe-session, troupe-trace and
// troupe-span of baggage; x-maxim-generation-name has what NameGeneration gave.
//
// For tools that know W3C Trace Context there is a traceparent. It continues the trace
// that Extract found; else its trace id are the digits of the trace's id if that is a
// UUID, and the beginning of the id's SHA-256 if not. The parent id is the beginning of
// the SHA-256 of the span's, or else the trace's, id; the sampled flag is that of the trace
// which Extract found, else it is set unless Config.Sample leaves the trace out. A traceparent that is there
// already, say of OpenTelemetry, stays, and so do the other members of a baggage.
//
// The session, trace and span are handed over, see Trace.HandOver: as the other process
// may still write to them, this one no longer ends them if nobody does. Without a trace
// or session in ctx nothing is written.
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

// set sets a header whose name is in its canonical form, unless the value could not be
// sent or would not be read.
func set(h http.Header, name, value string) {
	if name == headerTracestate || propagates(value) {
		h[name] = []string{value}
	}
}

// Extract returns a context whose work is part of what the headers of a request name, as
// Inject or a Maxim SDK wrote them. The logger is that of ctx; without one, and where the
// headers name nothing, ctx is returned as it is. What is begun in the trace or span is
// logged by its id, in the trace of the other process, which goes on owning it: this one
// ends only what it began itself.
//
// An x-maxim header counts more than the baggage. An id that cannot stand in a line is
// replaced by its safe form, as in any call, see Stats.Derived; here also with
// Config.PanicOnMisuse. A traceparent alone names no trace of this log; it is passed
// on by Inject. Where Config.Sample is the same in both processes, a session is logged by
// both or by none, and so is a trace outside of sessions.
//
// Whoever can send the headers can write to any trace whose id is known. Remove
// x-maxim-* and baggage from requests that come from outside.
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

// farTrace returns a trace that another process may have begun, in a session if that is
// known.
func (p *pipeline) farTrace(id, session identity) entity {
	ref := messages.Ref{Entity: messages.Trace, ID: id.wire}
	if route := p.actors.Lookup(ref); route != nil {
		return entity{p, ref, route, id.given}
	}
	route := routeTo(ref, messages.Ref{}, id.given, nil)
	route.Within = session.wire
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

// one returns the only value of a header, "" for none and for several.
func one(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// sentID returns the identity of an entity that a header names, zero for none. It never
// panics: what a client sends is no misuse by the program.
func (p *pipeline) sentID(kind messages.Entity, id string) identity {
	if id == "" || protocol.ValidID(id) {
		return identity{wire: id}
	}
	return p.derive(kind.String(), id)
}

// propagates reports whether a text can be the value of a header and is short enough.
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
