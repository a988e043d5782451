package otlp

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/troupelog/troupe/collector/fold"
)

// Numbers of a span's lines.
const (
	adoptedAt = 1
	openFrom  = 1 << 20 // what is said while it has no end
	endedFrom = 1 << 40
	eventFrom = 1 << 60
)

// Numbers of the lines about a trace begin at its class times 2^60.
const (
	sessionClass = iota // it belongs to a session
	guessClass          // a span whose parent has not come is the uppermost
	remoteClass         // a span's parent is in another process
	rootClass           // a span has no parent
)

// senderOf returns the id under which lines about a span, or with a zero span about a
// trace, are numbered.
func senderOf(what string, trace traceID, span spanID) [16]byte {
	buf := make([]byte, 0, 64)
	buf = append(append(append(append(buf, "otlp "...), what...), 0), trace[:]...)
	sum := sha256.Sum256(append(buf, span[:]...))
	return [16]byte(sum[:16])
}

// assembler puts the entities of one request in their places. Its kin is locked.
type assembler struct {
	kin     *Kin
	batches []Batch
}

// assemble returns the lines about entities.
func assemble(entities []*entity, kin *Kin) []Batch {
	kin.mu.Lock()
	defer kin.mu.Unlock()
	a := assembler{kin: kin}
	var order []kinKey
	traces := map[kinKey][]*entity{}
	for _, e := range entities {
		a.know(e)
		key := kinKey{repo: e.repo, trace: e.trace}
		if traces[key] == nil {
			order = append(order, key)
		}
		traces[key] = append(traces[key], e)
	}
	for _, key := range order {
		a.trace(key, traces[key])
	}
	return a.batches
}

func (e *entity) key() kinKey { return kinKey{e.repo, e.trace, e.span} }

// know notes what a span became.
func (a *assembler) know(e *entity) {
	a.kin.relative(e.key()).ref = e.ref
	if e.ref.Kind == fold.Trace {
		a.kin.relative(kinKey{repo: e.repo, trace: e.trace}).ref = e.ref
	}
}

// add adds lines of a sender.
func (a *assembler) add(repo string, sender [16]byte, first uint64, lines ...[]byte) {
	if len(lines) > 0 {
		a.batches = append(a.batches, Batch{repo, sender, first, lines})
	}
}

// trace adds the lines of what one request has of a trace.
func (a *assembler) trace(key kinKey, entities []*entity) {
	known := a.kin.relative(key)
	if known.ref.ID == "" {
		known.ref = fold.Ref{Kind: fold.Trace, ID: key.trace.String()}
	}
	top := a.begin(key, known, entities)
	sessions := map[string]bool{}
	for _, e := range entities {
		a.tell(known.ref, top, e)
		if e.session != "" && !sessions[e.session] {
			sessions[e.session] = true
			var f fields
			f.set("sessionId", e.session)
			sum := sha256.Sum256([]byte(e.session))
			a.add(key.repo, top, 1+binary.BigEndian.Uint64(sum[:])>>5, f.line(known.ref, "update"))
		}
	}
	for _, e := range entities {
		a.place(known.ref, e)
	}
}

// begin adds the line that makes a trace exist, and what it is called as long as no span
// is known to be at its top. Both are left out where what was told before is better. It
// returns the sender of what is said about the trace.
func (a *assembler) begin(key kinKey, known *relative, entities []*entity) (top [16]byte) {
	top = senderOf("trace", key.trace, spanID{})
	var first *entity
	for _, e := range entities {
		if first == nil || e.start > 0 && (first.start == 0 || e.start < first.start) {
			first = e
		}
	}
	if known.start > 0 && (first.start == 0 || known.start < first.start) {
		return top
	}
	known.start = first.start
	var begun, called fields
	begun.time("startTimestamp", first.start)
	a.add(key.repo, senderOf("start", key.trace, spanID{}), 1+micros(first.start), begun.line(known.ref, "create"))
	called.set("name", first.name)
	if len(first.top) == 0 && len(called) > 0 {
		a.add(key.repo, top, numberAtTop(guessClass, first), called.line(known.ref, "update"))
	}
	return top
}

// tell adds what a span says about its trace.
func (a *assembler) tell(trace fold.Ref, top [16]byte, e *entity) {
	if len(e.top) == 0 {
		return
	}
	class := uint64(rootClass)
	if e.remote && e.parent != (spanID{}) {
		class = remoteClass
	}
	if e.ref.Kind == fold.Trace {
		trace = e.ref
	}
	a.add(e.repo, top, numberAtTop(class, e), e.top.line(trace, "update"))
}

// maxMicros bounds times, so that they fit into numbers of lines.
const maxMicros = 1<<52 - 1

func micros(nanos uint64) uint64 { return min(nanos/1000, maxMicros) }

// numberAtTop returns the number of what a span says about its trace: the higher the
// earlier it began, and higher when it has ended.
func numberAtTop(class uint64, e *entity) uint64 {
	n := class<<60 | (maxMicros-micros(e.start))<<1
	if e.ended {
		n |= 1
	}
	return n
}

// place adds the lines about an entity, below its parent if that is known, and adopts
// what waits for it.
func (a *assembler) place(trace fold.Ref, e *entity) {
	sender := senderOf("span", e.trace, e.span)
	lines := e.about
	if e.ref.Kind != fold.Trace {
		lines = append([][]byte{e.begin.below(a.parent(trace, e), e.ref)}, lines...)
	}
	first := uint64(openFrom)
	if e.ended {
		first = endedFrom
	}
	a.add(e.repo, sender, first, lines...)
	a.add(e.repo, sender, eventFrom, e.events...)
	a.adopt(e)
}

// parent returns what an entity hangs below.
func (a *assembler) parent(trace fold.Ref, e *entity) fold.Ref {
	if e.parent == (spanID{}) {
		return trace
	}
	parent := a.kin.relative(kinKey{e.repo, e.trace, e.parent})
	if parent.ref.ID != "" {
		return parent.ref
	}
	a.kin.wait(parent, a.kin.relative(e.key()), waiting{e.span, e.ref})
	return trace
}

// adopt adds the lines by which an entity becomes the parent of what waits for it. They
// stay known, since the request may fail and come again.
func (a *assembler) adopt(e *entity) {
	for _, child := range a.kin.relative(e.key()).waiting {
		if child.ref.Kind == fold.Trace || child.ref == e.ref {
			continue
		}
		a.add(e.repo, senderOf("span", e.trace, child.span), adoptedAt, fields(nil).below(e.ref, child.ref))
	}
}
