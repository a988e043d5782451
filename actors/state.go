package actors

import (
	"iter"
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

// open reports whether the child is to be ended.
func (c *child) open() bool { return !c.ended && !c.handedOver }

// Bounds of what a trace remembers of ended children, for validation only.
const (
	indexFrom    = 16   // children from which a map replaces the search
	rememberMost = 4096 // ended children from which the ended ones are forgotten
)

// family is the children of one trace. It belongs to its actor. A nil family has none.
type family struct {
	children []child
	index    map[messages.Ref]int // nil below indexFrom children
	ended    int
	open     int  // children to end
	forgot   bool // ended children were forgotten: an unknown id may be one of them
}

func (f *family) find(ref messages.Ref) *child {
	if f == nil {
		return nil
	}
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

// all yields the children that are remembered, oldest first.
func (f *family) all() iter.Seq[*child] {
	return func(yield func(*child) bool) {
		if f == nil {
			return
		}
		for i := range f.children {
			if !yield(&f.children[i]) {
				return
			}
		}
	}
}

func (f *family) add(c child) {
	f.children = append(f.children, c)
	if c.open() {
		f.open++
	}
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
	if f == nil || f.ended < rememberMost {
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

// emptied returns the family for the next trace, or nil for one that is not worth
// keeping.
func (f *family) emptied() *family {
	if f == nil || cap(f.children) > indexFrom {
		return nil
	}
	clear(f.children)
	*f = family{children: f.children[:0]}
	return f
}

// countOpen returns how many children are to be ended.
func (f *family) countOpen() int {
	if f == nil {
		return 0
	}
	return f.open
}

// toEnd returns the children to end, deepest first, the youngest first within a depth. It
// takes linear time: there may be a million.
func (f *family) toEnd() []messages.Ref {
	var first []int // by depth: how many are as deep, then where the first of them goes
	for c := range f.all() {
		if c.open() {
			for len(first) <= int(c.depth) {
				first = append(first, 0)
			}
			first[c.depth]++
		}
	}
	deeper := 0
	for depth := len(first) - 1; depth >= 0; depth-- {
		deeper, first[depth] = deeper+first[depth], deeper
	}
	refs := make([]messages.Ref, deeper)
	for i := len(f.children) - 1; i >= 0 && deeper > 0; i-- {
		if c := &f.children[i]; c.open() {
			refs[first[c.depth]] = c.ref
			first[c.depth]++
		}
	}
	return refs
}

// isOpen reports whether a session or trace is to be ended by this process.
func isOpen(r *messages.Rollup) bool { return r.Created && !r.Ended && !r.HandedOver }

// record adds what a command says to a roll-up.
func record(r *messages.Rollup, c *messages.Command) {
	if c.Action == messages.None {
		return
	}
	at := c.At / int64(time.Microsecond)
	if r.First == 0 {
		r.First = at
	}
	r.Last = max(r.Last, at)
	r.Entries++
	if c.Spent != nil {
		spend(r, c.Spent)
	}
	if c.Failed {
		r.Failures++
	}
}

func spend(r *messages.Rollup, s *messages.Spent) {
	if r.Spent == nil {
		r.Spent = &messages.Spent{}
	}
	r.Spent.Cost += s.Cost
	r.Spent.Usage.Add(s.Usage)
}

// copied returns a roll-up that shares nothing with r.
func copied(r messages.Rollup) messages.Rollup {
	if r.Spent != nil {
		spent := *r.Spent
		r.Spent = &spent
	}
	return r
}

// afterthought reports whether an action is made after the end by nature.
func afterthought(a messages.Action) bool {
	switch a {
	case messages.AddFeedback, messages.Evaluate, messages.AddCost, messages.AddAttachment:
		return true
	default:
		return false
	}
}
