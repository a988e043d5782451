package otlp

import (
	"sync"

	"github.com/troupelog/troupe/collector/fold"
)

// maxKin is how many spans a generation of Kin remembers.
const maxKin = 1 << 16

// Kin remembers what the spans that came lately became, and which spans wait for their
// parents, so that parents and children find one another across requests. It remembers at
// least the last 65,536 of them, at most twice as many, in some tens of megabytes. A span
// that was forgotten adopts nobody: its children stay below the trace.
//
// The zero value is ready to use. It is safe for concurrent use.
type Kin struct {
	mu         sync.Mutex
	young, old map[kinKey]*relative // guarded by mu
	spans      int                  // in young, with those that wait; guarded by mu
}

// kinKey names a span, or, with a zero span, a trace.
type kinKey struct {
	repo  string
	trace traceID
	span  spanID
}

// relative is what is known of a span or a trace. It is guarded by the mu of its Kin.
type relative struct {
	ref     fold.Ref  // what it became; zero if it has not come
	waiting []waiting // children that came before it
	waits   bool      // it is among those that wait for its parent
	start   uint64    // of a trace: the earliest that was told
}

// waiting is a child that is below the trace until its parent comes.
type waiting struct {
	span spanID
	ref  fold.Ref
}

// relative returns what is known of a span, or else makes a place for it. mu is held.
func (k *Kin) relative(key kinKey) *relative {
	if r := k.young[key]; r != nil {
		return r
	}
	if k.young == nil || k.spans >= maxKin {
		k.old, k.young, k.spans = k.young, map[kinKey]*relative{}, 0
	}
	r := k.old[key]
	if r == nil {
		r = &relative{}
	}
	k.young[key] = r
	k.spans += 1 + len(r.waiting)
	return r
}

// wait notes that a child waits for a parent. mu is held.
func (k *Kin) wait(parent, child *relative, as waiting) {
	if !child.waits {
		child.waits = true
		parent.waiting = append(parent.waiting, as)
		k.spans++
	}
}
