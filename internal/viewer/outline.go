package viewer

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// outline is the shape of a trace: its entities in the order in which they are shown.
type outline struct {
	trace    string        // id
	entities []fold.Entity // of which it was made; not changed
	rows     []*outlineRow
	// from and to are the times that bars are drawn between.
	from, to time.Time
	errors   int
	open     int
	orphans  int // detached: their create or their parent has not arrived
}

// outlineRow is an entity in an outline.
type outlineRow struct {
	fold.Entity
	parent   *outlineRow // that it is shown below; nil for the root
	depth    int
	children int // directly below it
	place    int // among its siblings, from 1
	siblings int
	orphan   bool
	failures int // at it and below it

	group   int           // number of rows grouped under it; 0 for an entity
	sum     time.Duration // that these took
	grouped bool          // it is shown under a group row
}

// newOutline puts the entities of a tree, of which the first is the root, in order:
// depth first, siblings by start. What hangs below nothing in the tree hangs below the
// root.
func newOutline(entities []fold.Entity, now time.Time) *outline {
	o := &outline{entities: entities}
	if len(entities) == 0 {
		return o
	}
	byKey := make(map[fold.Key]*outlineRow, len(entities))
	for i := range entities {
		byKey[entities[i].Key] = &outlineRow{Entity: entities[i]}
	}
	root := byKey[entities[0].Key]
	o.trace = root.Ref.ID
	below := map[*outlineRow][]*outlineRow{}
	for _, e := range entities[1:] {
		row := byKey[e.Key]
		parent := byKey[e.Parent]
		if parent == nil || parent == row {
			parent, row.orphan = root, true
		}
		row.orphan, row.parent = row.orphan || !e.Started, parent
		below[parent] = append(below[parent], row)
	}
	for _, siblings := range below {
		slices.SortStableFunc(siblings, func(a, b *outlineRow) int { return begin(&a.Entity).Compare(begin(&b.Entity)) })
	}
	root.place, root.siblings = 1, 1
	o.walk(root, below, map[*outlineRow]bool{})
	o.bounds(now)
	return o
}

// begin returns when an entity began, as far as is known.
func begin(e *fold.Entity) time.Time {
	if e.Start.IsZero() {
		return e.Seen
	}
	return e.Start
}

// walk appends a row and what is below it, and returns how many of these failed. A circle
// of parents is cut where it closes.
func (o *outline) walk(row *outlineRow, below map[*outlineRow][]*outlineRow, seen map[*outlineRow]bool) int {
	type step struct {
		row  *outlineRow
		next int
	}
	stack := []step{{row, 0}}
	seen[row] = true
	o.add(row)
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		children := below[top.row]
		if top.next == len(children) {
			if n := len(stack); n > 1 {
				stack[n-2].row.failures += top.row.failures
			}
			stack = stack[:len(stack)-1]
			continue
		}
		child := children[top.next]
		top.next++
		if seen[child] {
			continue
		}
		seen[child] = true
		child.depth = min(len(stack), fold.MaxDepth)
		child.place, child.siblings = top.next, len(children)
		o.add(child)
		stack = append(stack, step{child, 0})
	}
	for parent, children := range below {
		parent.children = len(children)
	}
	return row.failures
}

func (o *outline) add(row *outlineRow) {
	o.rows = append(o.rows, row)
	if row.Status() == "error" {
		row.failures++
		o.errors++
	}
	if row.Open() {
		o.open++
	}
	if row.orphan {
		o.orphans++
	}
}

// bounds finds the times between which everything happened.
func (o *outline) bounds(now time.Time) {
	for _, row := range o.rows {
		if row.Start.IsZero() {
			continue
		}
		if o.from.IsZero() || row.Start.Before(o.from) {
			o.from = row.Start
		}
		end := cmp.Or(row.End, row.Start)
		if row.Open() && now.After(end) {
			end = now
		}
		if end.After(o.to) {
			o.to = end
		}
	}
}

// wholeLine is the width of the time line: bars are drawn in ten-thousandths, so that
// they can be looked at closely.
const wholeLine = 10_000

// bar is the position of an entity on the time line, in parts of wholeLine.
type bar struct{ X, Width int }

// bar returns the bar of a row; false if it has no start.
func (o *outline) bar(row *outlineRow) (bar, bool) {
	whole := o.to.Sub(o.from)
	if row.Start.IsZero() {
		return bar{}, false
	}
	if whole <= 0 {
		return bar{0, wholeLine}, true
	}
	end := row.End
	if row.Open() || end.IsZero() && row.Ref.Kind != protocol.Error {
		end = o.to
	}
	const least = 40
	part := func(d time.Duration) int { return int(float64(d) / float64(whole) * wholeLine) }
	x := min(part(row.Start.Sub(o.from)), wholeLine-least)
	width := least
	if end.After(row.Start) {
		width = max(width, part(end.Sub(row.Start)))
	}
	return bar{x, min(width, wholeLine-x)}, true
}

// took returns how long an entity took, 0 if its times do not say.
func (row *outlineRow) took() time.Duration {
	d, _ := row.Duration()
	return d
}

// anomaly describes a misplaced row: its create or its parent never arrived,
// it ends before it starts, or it began more than a millisecond before its parent.
func (row *outlineRow) anomaly() string {
	switch {
	case row.orphan:
		return "detached"
	case row.Skew() > 0:
		return "⏲ " + skewOf(row.Skew())
	case row.parent == nil || row.Start.IsZero() || row.parent.Start.IsZero():
		return ""
	}
	if early := row.parent.Start.Sub(row.Start); early > time.Millisecond {
		return "⏲ " + duration(early) + " before its parent"
	}
	return ""
}
