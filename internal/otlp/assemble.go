package otlp

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// First numbers of a span's lines.
const (
	openFrom  = 1 << 20 // of lines about a span that has not ended
	endedFrom = 1 << 40
	eventFrom = 1 << 60
)

// Lines about a trace are numbered from their class times 2^60.
const (
	sessionClass = 0 // the trace belongs to a session
	remoteClass  = 2 // a span's parent is in another process
	rootClass    = 3 // a span has no parent
)

// senderOf returns the sender id for the lines about a span or, if span is zero, about a trace.
func senderOf(what string, trace traceID, span spanID) [16]byte {
	buf := make([]byte, 0, 64)
	buf = append(append(append(append(buf, "otlp "...), what...), 0), trace[:]...)
	sum := sha256.Sum256(append(buf, span[:]...))
	return [16]byte(sum[:16])
}

// assemble returns the lines about the entities of one part. exported holds the ids of the
// traces that Troupe exported.
func assemble(entities []*entity, exported map[traceKey]string) (batches []Batch) {
	var order []traceKey
	traces := map[traceKey][]*entity{}
	for _, e := range entities {
		key := traceKey{e.repo, e.trace}
		if traces[key] == nil {
			order = append(order, key)
		}
		traces[key] = append(traces[key], e)
	}
	for _, key := range order {
		a := assembler{key: key, trace: protocol.Ref{Kind: protocol.Trace, ID: exported[key]}, top: senderOf("trace", key.trace, spanID{})}
		if a.trace.ID == "" {
			a.trace.ID = key.trace.String()
		}
		a.all(traces[key])
		batches = append(batches, a.batches...)
	}
	return batches
}

// assembler builds the lines for one part's share of a trace.
type assembler struct {
	key     traceKey
	trace   protocol.Ref
	top     [16]byte // the sender of the lines about the trace
	batches []Batch
}

// add appends lines of a sender, numbered from first.
func (a *assembler) add(sender [16]byte, first uint64, lines ...[]byte) {
	if len(lines) > 0 {
		a.batches = append(a.batches, Batch{Repo: a.key.repo, Sender: sender, First: first, Lines: lines})
	}
}

// repeat adds a line about the trace that every part contains.
func (a *assembler) repeat(sender [16]byte, number uint64, line []byte) {
	a.batches = append(a.batches, Batch{Repo: a.key.repo, Sender: sender, First: number, Lines: [][]byte{line}, Repeated: true})
}

// all adds the lines about a trace and its entities. The line that begins the trace is the
// same in every part. Until the top span arrives, the trace takes its name from the lines
// of the other spans.
func (a *assembler) all(entities []*entity) {
	a.repeat(senderOf("start", a.key.trace, spanID{}), 1, fields(nil).line(a.trace, protocol.Create))
	sessions := map[string]bool{}
	for _, e := range entities {
		a.tell(e)
		if e.session != "" && !sessions[e.session] {
			sessions[e.session] = true
			var f fields
			f.set("sessionId", e.session)
			sum := sha256.Sum256([]byte(e.session))
			a.repeat(a.top, 1+binary.BigEndian.Uint64(sum[:])>>5, f.line(a.trace, protocol.Update))
		}
	}
	for _, e := range entities {
		a.place(e)
	}
}

// tell adds the fields that the trace takes from the span.
func (a *assembler) tell(e *entity) {
	if len(e.top) == 0 {
		return
	}
	class := uint64(rootClass)
	if e.remote && e.parent != (spanID{}) {
		class = remoteClass
	}
	trace := a.trace
	if e.ref.Kind == protocol.Trace {
		trace = e.ref
	}
	a.add(a.top, numberAtTop(class, e), e.top.line(trace, protocol.Update))
}

// maxMicros limits times so that they fit into line numbers.
const maxMicros = 1<<52 - 1

func micros(nanos uint64) uint64 { return min(nanos/1000, maxMicros) }

// numberAtTop returns the number of the line with the trace fields of a span. Spans that
// began earlier get higher numbers, and so do spans that have ended: the highest number wins.
func numberAtTop(class uint64, e *entity) uint64 {
	n := class<<60 | (maxMicros-micros(e.start))<<1
	if e.ended {
		n |= 1
	}
	return n
}

// place adds the lines about an entity. The entity begins below the trace and names its
// parent span, so that the fold finds the parent whenever it arrives: see fold.Origin.
func (a *assembler) place(e *entity) {
	sender := senderOf("span", e.trace, e.span)
	lines := e.about
	if e.ref.Kind != protocol.Trace {
		var f fields
		if e.parent != (spanID{}) {
			f.set("otel.parent_span_id", e.parent.String())
		}
		if known := protocol.TraceIDOf(a.trace.ID); e.ref.ID != fold.SpanEntityID(known, protocol.SpanID(e.span)) &&
			protocol.SpanIDOf(e.ref.ID) != protocol.SpanID(e.span) {
			f.set("otel.span_id", e.span.String())
		}
		lines = append([][]byte{append(f, e.begin...).below(a.trace, e.ref)}, lines...)
	}
	first := uint64(openFrom)
	if e.ended {
		first = endedFrom
	}
	a.add(sender, first, lines...)
	a.add(sender, eventFrom, e.events...)
}
