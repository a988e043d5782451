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
	Recv  time.Time // when its batch was received
	Spool [16]byte  // the sender
	Seq   uint64    // its number among the sender's lines
	Sub   int       // its number among the lines that one stored line stands for
	Text  []byte    // the line itself, without newline; never changed

	rank time.Time // Recv, raised by Sort
	n    int       // place in a history
}

// Sort puts lines in the order that a fold is defined by: first by time of
// reception, then by sender, then by number; but a sender's own lines always stand
// in the order of their numbers, so a line that came late, after later ones of its
// sender, counts as received before those. The result depends on the set of lines
// only, not on the order given. An entity is folded from the lines about it, sorted
// without all others.
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

func bySender(a, b Line) int {
	return cmp.Or(bytes.Compare(a.Spool[:], b.Spool[:]), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.n, b.n))
}

// history is what lines about one entity do to it.
type history struct {
	lines   []Line
	changes []Change
}

func (h *history) add(l Line, c Change) {
	l.n, l.Text = len(h.changes), nil
	h.lines, h.changes = append(h.lines, l), append(h.changes, c)
}

// inOrder yields the changes in the order of the lines about the entity alone. It
// differs from their order among the lines of a whole tree where some came late.
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
