package actors

import (
	"iter"
	"slices"
	"time"

	"github.com/troupelog/troupe/messages"
)

// child is an entity in a trace.
type child struct {
	ref    messages.Ref
	parent messages.Ref
	depth  int32
	ended  bool
	implied,
	handedOver bool
}

// open reports whether the child has to be ended by this process.
func (c *child) open() bool { return !c.ended && !c.handedOver }

const (
	// indexFrom is the number of items from which a map is faster than a search.
	indexFrom = 16
	// maxEnded is the number of ended children at which a trace forgets them. They are kept
	// only to report suspicious calls.
	maxEnded = 4096
)

// family holds the children of one trace. It is owned by the trace's actor. A nil family is
// empty.
type family struct {
	children []child
	index    map[messages.Ref]int // position in children; nil below indexFrom children
	ended    int                  // children that have ended and are not forgotten
	open     int                  // children for which child.open is true
	forgot   bool                 // ended children were forgotten, so an unknown parent may be one of them
}

// find returns a child, or nil. The pointer is valid until the next add or forgetEnded.
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

// all yields the children, oldest first, except for those that were forgotten.
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

// add adds a child that find does not return.
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

// reindex makes the index anew from children.
func (f *family) reindex() {
	f.index = make(map[messages.Ref]int, 2*len(f.children))
	for i := range f.children {
		f.index[f.children[i].ref] = i
	}
}

// forgetEnded limits the memory of a long trace: it removes the ended children once there are
// maxEnded, and calls gone for each.
func (f *family) forgetEnded(gone func(messages.Ref)) {
	if f == nil || f.ended < maxEnded {
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

// emptied returns the empty family for reuse by the next trace, or nil if it is too large to
// keep.
func (f *family) emptied() *family {
	if f == nil || cap(f.children) > indexFrom {
		return nil
	}
	clear(f.children)
	*f = family{children: f.children[:0]}
	return f
}

// countOpen returns the number of children that have to be ended.
func (f *family) countOpen() int {
	if f == nil {
		return 0
	}
	return f.open
}

// toEnd returns the children that have to be ended, deepest first, and youngest first within a
// depth. It sorts by counting, in linear time, because there may be a million.
func (f *family) toEnd() []messages.Ref {
	// first is indexed by depth: the number of children, later the position of the next one.
	var first []int
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

// isOpen reports whether a session or trace has to be ended by this process.
func isOpen(r *messages.Rollup) bool { return r.Created && !r.Ended && !r.HandedOver }

// record adds a command to a roll-up. A command without an entry leaves it unchanged.
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
	if c.Cost != nil {
		addCost(r, c.Cost)
	}
	if c.Failed {
		r.Failures++
	}
}

// addCost adds the cost of a model call to a roll-up.
func addCost(r *messages.Rollup, c *messages.Cost) {
	if r.Cost == nil {
		r.Cost = &messages.Cost{}
	}
	r.Cost.USD = r.Cost.USD.Add(c.USD)
	r.Cost.Usage.Add(c.Usage)
}

// copied returns a copy of a roll-up that shares no memory with it.
func copied(r messages.Rollup) messages.Rollup {
	if r.Cost != nil {
		cost := *r.Cost
		r.Cost = &cost
	}
	return r
}

// afterthought reports whether an action normally follows the end of its entity, so that it is
// not suspicious there.
func afterthought(a messages.Action) bool {
	switch a {
	case messages.AddFeedback, messages.Evaluate, messages.AddCost, messages.AddAttachment:
		return true
	default:
		return false
	}
}
