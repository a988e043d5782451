package viewer

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// treeFilter selects the rows of a tree to show. The page and the tree JSON of a trace
// take it from the same parameters, so they have the same rows.
type treeFilter struct {
	Root  string        // only this node and its descendants; as in refString
	Key   bool          // only model and tool calls, retrievals, errors, and their ancestors
	Min   time.Duration // only nodes that took this long, are open or failed, and their ancestors
	Plain bool          // identical siblings are not grouped
	Zoom  [2]int        // the part of the time line that is shown, in ten-thousandths
}

// leastGroup is the minimum number of identical consecutive siblings that form a group.
const leastGroup = 5

func treeFilterOf(r *http.Request) treeFilter {
	q := r.URL.Query()
	n := treeFilter{Root: q.Get("root"), Key: q.Get("key") == "1", Plain: q.Get("group") == "0", Zoom: [2]int{0, wholeLine}}
	if d, err := time.ParseDuration(q.Get("min")); err == nil && d > 0 {
		n.Min = d
	}
	from, to, ok := strings.Cut(q.Get("zoom"), "-")
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	if ok && errA == nil && errB == nil && 0 <= a && a < b && b <= wholeLine {
		n.Zoom = [2]int{a, b}
	}
	return n
}

// filter takes rows out of an outline, puts equal ones together, and returns how many it
// took out.
func (o *outline) filter(n treeFilter, now time.Time) (hidden int) {
	all := len(o.rows)
	if n.Root != "" {
		o.cutTo(n.Root, now)
	}
	if n.Key || n.Min > 0 {
		o.keep(func(row *outlineRow) bool {
			return row.Status() == "error" || (!n.Key || keyKinds[row.Ref.Kind]) && (row.Open() || row.took() >= n.Min)
		})
	}
	hidden = all - len(o.rows)
	if !n.Plain {
		o.group()
	}
	o.recount()
	return hidden
}

// keyKinds are the kinds that a trace is about.
var keyKinds = map[protocol.Kind]bool{protocol.Trace: true, protocol.Generation: true, protocol.Retrieval: true, protocol.ToolCall: true, protocol.Error: true}

// end returns the place behind the last row below the one at a place.
func (o *outline) end(at int) int {
	for i := at + 1; i < len(o.rows); i++ {
		if o.rows[i].depth <= o.rows[at].depth {
			return i
		}
	}
	return len(o.rows)
}

// cutTo keeps the named node and its descendants, or every row if there is no such node.
func (o *outline) cutTo(name string, now time.Time) {
	at := slices.IndexFunc(o.rows, func(row *outlineRow) bool { return refString(row.Ref) == name })
	if at <= 0 {
		return
	}
	o.rows = o.rows[at:o.end(at)]
	depth := o.rows[0].depth
	for _, row := range o.rows {
		row.depth -= depth
	}
	o.from, o.to = time.Time{}, time.Time{}
	o.bounds(now)
}

// keep keeps the root, the rows that want accepts, and their ancestors.
func (o *outline) keep(want func(*outlineRow) bool) {
	needed := -1 // depth of the row that the last one kept is below
	kept := make([]*outlineRow, 0, len(o.rows))
	for i, row := range slices.Backward(o.rows) {
		if i == 0 || row.depth == needed || want(row) {
			kept = append(kept, row)
			needed = row.depth - 1
		}
	}
	slices.Reverse(kept)
	o.rows = kept
}

// group puts rows in a row that hang below the same node, are alike and did not fail, below a
// row of their own.
func (o *outline) group() {
	var rows []*outlineRow
	for i := 0; i < len(o.rows); {
		end := i
		for end < len(o.rows) && o.leaf(end) && alike(o.rows[i], o.rows[end]) {
			end++
		}
		if end-i >= leastGroup {
			rows = append(rows, together(o.rows[i:end]))
		} else {
			end = i + 1
		}
		rows = append(rows, o.rows[i:end]...)
		i = end
	}
	o.rows = rows
}

// leaf reports whether nothing is below the row at a place.
func (o *outline) leaf(at int) bool {
	return at+1 == len(o.rows) || o.rows[at+1].depth <= o.rows[at].depth
}

// alike reports whether two rows may be put together. Rows of one depth that follow each
// other without another between them hang below the same node.
func alike(a, b *outlineRow) bool {
	return a.depth > 0 && a.depth == b.depth && a.Ref.Kind == b.Ref.Kind && a.Name == b.Name && a.Model == b.Model &&
		a.Status() == b.Status() && b.Status() != "error" && !b.orphan
}

// together returns the row that alike rows hang below, and moves these in.
func together(rows []*outlineRow) *outlineRow {
	first := rows[0]
	g := &outlineRow{depth: first.depth, group: len(rows)}
	g.Ref.Kind, g.Name, g.Model = first.Ref.Kind, first.Name, first.Model
	g.Start, g.Started, g.Ended = first.Start, first.Started, first.Ended
	for _, row := range rows {
		row.depth++
		row.grouped = true
		g.sum += row.took()
		if row.End.After(g.End) {
			g.End = row.End
		}
		g.Usage.Total += row.Usage.Total
	}
	return g
}

// recount finds out again how many siblings and children rows have.
func (o *outline) recount() {
	var above []*outlineRow // by depth
	for _, row := range o.rows {
		above = append(above[:min(row.depth, len(above))], row)
		row.children, row.place = 0, 1
		if row.depth > 0 && row.depth < len(above) {
			parent := above[row.depth-1]
			parent.children++
			row.place = parent.children
		}
	}
	above = above[:0]
	for _, row := range o.rows {
		above = append(above[:min(row.depth, len(above))], row)
		row.siblings = 1
		if row.depth > 0 && row.depth < len(above) {
			row.siblings = above[row.depth-1].children
		}
	}
}
