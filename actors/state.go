package actors

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupelog/troupe/messages"
)

// child is an entity below a trace.
type child struct {
	ref    messages.Ref
	parent messages.Ref
	depth  int32
	ended  bool
	implied,
	handedOver bool
}

// Bounds of what a trace remembers of ended children, for validation only.
const (
	indexFrom    = 16   // children from which a map replaces the search
	rememberMost = 4096 // ended children from which the ended ones are forgotten
)

// family is the children of one trace. It belongs to its actor.
type family struct {
	children []child
	index    map[messages.Ref]int // nil below indexFrom children
	ended    int
	forgot   bool // ended children were forgotten: an unknown id may be one of them
}

func (f *family) find(ref messages.Ref) *child {
	if f.index != nil {
		if i, ok := f.index[ref]; ok {
			return &f.children[i]
		}
		return nil
	}
	for i := range f.children {
		if f.children[i].ref == ref {
			return &f.children[i]
		}
	}
	return nil
}

func (f *family) add(c child) {
	f.children = append(f.children, c)
	switch {
	case f.index != nil:
		f.index[c.ref] = len(f.children) - 1
	case len(f.children) >= indexFrom:
		f.reindex()
	}
}

func (f *family) reindex() {
	f.index = make(map[messages.Ref]int, 2*len(f.children))
	for i := range f.children {
		f.index[f.children[i].ref] = i
	}
}

// forgetEnded bounds the memory of a long trace; gone is called for each child that
// is no longer remembered.
func (f *family) forgetEnded(gone func(messages.Ref)) {
	if f.ended < rememberMost {
		return
	}
	f.children = slices.DeleteFunc(f.children, func(c child) bool {
		if c.ended {
			gone(c.ref)
		}
		return c.ended
	})
	f.children = slices.Clip(f.children)
	f.ended, f.forgot = 0, true
	f.reindex()
}

// open returns the children to end, deepest first, the youngest first within a depth.
func (f *family) open() []*child {
	var open []*child
	for i := range f.children {
		if c := &f.children[i]; !c.ended && !c.handedOver {
			open = append(open, c)
		}
	}
	slices.Reverse(open)
	slices.SortStableFunc(open, func(a, b *child) int { return cmp.Compare(b.depth, a.depth) })
	return open
}

// record adds what a command says to a roll-up.
func record(r *messages.Rollup, c *messages.Command) {
	if c.Action == messages.None {
		return
	}
	at := micros(c.At)
	if r.First == 0 {
		r.First = at
	}
	r.Last = max(r.Last, at)
	r.Entries++
	r.Cost += c.Cost
	if c.Usage != nil {
		r.Usage.Add(*c.Usage)
	}
	if c.Failed {
		r.Failures++
	}
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// afterthought reports whether an action is made after the end by nature.
func afterthought(a messages.Action) bool {
	switch a {
	case messages.AddFeedback, messages.Evaluate, messages.AddCost, messages.AddAttachment:
		return true
	default:
		return false
	}
}
