package fold

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"time"
)

// Line is a stored line and its place in the order of lines.
type Line struct {
	Recv  time.Time // when the collector received its batch
	Spool [16]byte  // the sender
	Seq   uint64    // its number among the sender's lines
	Sub   int       // its index among the lines that one stored line expands to
	Text  []byte    // the line itself, without newline; never changed

	rank time.Time // Recv, raised by Sort
	n    int       // index in a history
}

// Sort sorts lines into the order that defines the fold: by time of reception, then by
// sender, then by number. Lines of one sender always keep the order of their numbers, so a
// line that arrived after its successors counts as received before them. The result depends
// only on the set of lines, not on the order given. An entity is folded from the lines
// about it, sorted without all others.
func Sort(lines []Line) {
	slices.SortFunc(lines, bySender)
	for i := range lines {
		l := &lines[i]
		l.rank = l.Recv
		if i > 0 && lines[i-1].Spool == l.Spool && lines[i-1].rank.After(l.rank) {
			l.rank = lines[i-1].rank
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.rank.Compare(b.rank) })
}

// bySender orders lines by sender and number. The index in a history is compared last: it
// keeps several changes from one line in their order.
func bySender(a, b Line) int {
	return cmp.Or(bytes.Compare(a.Spool[:], b.Spool[:]), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.n, b.n))
}

// history collects the changes to one entity.
type history struct {
	lines   []Line
	changes []Change
}

// add appends a change. It drops the text of the line, because Sort needs only its place and
// the text may be large.
func (h *history) add(l Line, c Change) {
	l.n, l.Text = len(h.changes), nil
	h.lines, h.changes = append(h.lines, l), append(h.changes, c)
}

// inOrder yields the changes in the order of the lines about this entity alone. If some
// lines arrived late, it differs from their order among the lines of a whole tree.
func (h *history) inOrder() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		Sort(h.lines)
		for _, l := range h.lines {
			if !yield(h.changes[l.n]) {
				return
			}
		}
	}
}
