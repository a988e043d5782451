package viewer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

var traceRoutes = []route{
	{"GET /trace/{id}", (*Viewer).trace},
	{"GET /trace/{id}/nodes", (*Viewer).nodes},
	{"GET /trace/{id}/node", (*Viewer).nodeFragment},
}

// firstRows is how many rows of a tree a page has, and shownRows how many of these are
// for browsers with scripts too: they fill a window until js/tree.js shows all rows.
const firstRows, shownRows = 100, 40

// traceData is the data of the page of a trace.
type traceData struct {
	ID, Name, SessionID, Status string
	Start, End                  time.Time
	Took                        string // until now if it is open
	View                        string // "tree", "chat" or "raw"
	Total                       store.Row
	Errors, Open, Orphans       int
	Tags                        []pair
	Token                       string // of the form for feedback

	Narrow     treeFilter
	Box        string // viewBox of the bars, from Narrow.Zoom
	Hidden     int    // nodes that Narrow took out
	Rows       []treeRow
	At         int // number of the row that is chosen, from 0
	Count      int // of all nodes
	From       int // number of the first of Rows among all
	Prev, Next string
	Kept       []pair // parameters that the form keeps
	Nodes      string // address of the tree JSON of all rows
	Node       *nodeData

	Chat  []chatCall // of the view chat
	Cut   int        // calls that the view chat leaves out
	Lines []rawLine  // of the view raw
	More  string     // address of further lines
}

// pair is a name and a value.
type pair struct{ Name, Value string }

// FirstRows returns the rows for all browsers.
func (d *traceData) FirstRows() []treeRow { return d.Rows[:min(len(d.Rows), shownRows)] }

// OtherRows returns the rows for browsers without scripts.
func (d *traceData) OtherRows() []treeRow { return d.Rows[len(d.FirstRows()):] }

// treeRow is a row of the tree.
type treeRow struct {
	Kind, ID, Name, Detail, Status string
	Ref                            string // for the parameter node
	Depth, Place, Siblings, Number int
	Children                       int
	Took, Tokens, Cost             string
	Failures                       int // below it
	Bar                            *bar
	Selected                       bool
	Group                          int    // number of rows grouped under it
	Mark                           string // anomaly of its position
}

func (v *Viewer) trace(w http.ResponseWriter, r *http.Request) error {
	if id, format, ok := exported(r.PathValue("id")); ok {
		return v.exportTrace(w, r, id, format)
	}
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	id := r.PathValue("id")
	entities, err := v.service.Entities(r.Context(), repo, protocol.Ref{Kind: protocol.Trace, ID: id})
	if err != nil {
		return err
	}
	now := time.Now()
	o := newOutline(entities, now)
	d, err := v.traceHead(r.Context(), repo, o, now)
	if err != nil {
		return err
	}
	d.View = r.URL.Query().Get("view")
	if err := v.traceBody(r, repo, o, d); err != nil {
		return err
	}
	return v.render(w, r, "trace", &page{Title: d.Status + " · " + named(d.Name, id), Nav: "traces", Help: "trace", Data: d})
}

// named returns a name, or the id where there is none.
func named(name, id string) string {
	if strings.TrimSpace(name) == "" {
		return id
	}
	return name
}

// traceHead returns the data of the page above the tree.
func (v *Viewer) traceHead(ctx context.Context, repo string, o *outline, now time.Time) (*traceData, error) {
	root := o.rows[0]
	d := &traceData{
		ID: root.Ref.ID, Name: root.Name, SessionID: root.SessionID, Status: root.Status(), Start: root.Start, End: root.End,
		Token: v.forms.token("/feedback"), Errors: o.errors, Open: o.open, Orphans: o.orphans, Count: len(o.rows),
	}
	d.Took = took(&root.Entity, now)
	for name, value := range sortedPairs(root.Tags) {
		d.Tags = append(d.Tags, pair{name, value})
	}
	rows, err := v.service.Rows(ctx, store.RowQuery{Filter: store.Filter{Repo: repo, Among: []fold.Key{root.Key}}, Limit: 1})
	if err == nil && len(rows) == 1 {
		d.Total = rows[0]
	}
	return d, err
}

// took says how long an entity took, or is at work, and whether its times disagree.
func took(e *fold.Entity, now time.Time) string {
	switch {
	case e.Start.IsZero():
		return ""
	case e.Open():
		return "open for " + duration(max(now.Sub(e.Start), 0).Truncate(time.Second))
	case e.End.IsZero():
		return ""
	}
	d, _ := e.Duration()
	if skew := skewOf(e.Skew()); skew != "" {
		return duration(d) + " ⏲ " + skew
	}
	return duration(d)
}

// skewOf says that something ends before it starts, "" if it does not.
func skewOf(skew time.Duration) string {
	if skew <= 0 {
		return ""
	}
	return "ends " + duration(skew) + " before it starts"
}

// traceBody fills in the data of the chosen view.
func (v *Viewer) traceBody(r *http.Request, repo string, o *outline, d *traceData) error {
	switch d.View {
	case "chat":
		return v.traceChat(r.Context(), repo, o, d)
	case "raw":
		return v.traceLines(r, repo, o, d)
	}
	d.View = "tree"
	selected := r.URL.Query().Get("node")
	if selected == "" {
		selected = refString(o.rows[0].Ref)
	}
	d.Narrow = treeFilterOf(r)
	d.Box = fmt.Sprintf("%d 0 %d 10", d.Narrow.Zoom[0], d.Narrow.Zoom[1]-d.Narrow.Zoom[0])
	d.Hidden = o.filter(d.Narrow, time.Now())
	d.At = max(0, slices.IndexFunc(o.rows, func(row *outlineRow) bool { return row.group == 0 && refString(row.Ref) == selected }))
	if d.From = number(r, "from"); d.From >= len(o.rows) {
		d.From = 0
	}
	end, skipped := min(d.From+firstRows, len(o.rows)), 0
	for i, row := range o.rows[d.From:end] {
		if row.grouped {
			skipped++
			continue // its group leads to it
		}
		tr := o.treeRow(row, d.From+i+1-skipped)
		tr.Selected = tr.Ref == selected
		d.Rows = append(d.Rows, tr)
	}
	for _, name := range []string{"repo", "node", "root", "key", "group"} {
		if value := r.URL.Query().Get(name); value != "" {
			d.Kept = append(d.Kept, pair{name, value})
		}
	}
	base := "/trace/" + url.PathEscape(d.ID)
	query := r.URL.Query()
	query.Del("from")
	if name := v.snapshots.put(o.rows[0].Key, o.entities); name != "" {
		query.Set("snapshot", name)
	}
	d.Nodes = base + "/nodes?" + query.Encode()
	if d.From > 0 {
		d.Prev = itoa(max(0, d.From-firstRows))
	}
	if end < len(o.rows) {
		d.Next = itoa(end)
	}
	var err error
	d.Node, err = v.node(r.Context(), repo, o, selected)
	return err
}

// zoom is a button of the time line.
type zoom struct{ Name, Key, Sign, Does string }

// Zooms returns the buttons of the time line.
func (*traceData) Zooms() []zoom {
	return []zoom{
		{"in", "+", "+", "Look closer"}, {"out", "-", "−", "Look from farther away"}, {"all", "0", "↔", "The whole time"},
		{"earlier", ",", "←", "Earlier"}, {"later", ".", "→", "Later"},
	}
}

// treeRow returns how an entity is shown in the tree.
func (o *outline) treeRow(row *outlineRow, number int) treeRow {
	tr := treeRow{
		Kind: kindName(row.Ref.Kind), ID: row.Ref.ID, Name: named(row.Name, row.Ref.ID), Status: row.Status(), Ref: refString(row.Ref),
		Depth: row.depth, Place: row.place, Siblings: row.siblings, Number: number, Children: row.children,
		Failures: row.failures, Group: row.group, Mark: row.anomaly(),
	}
	if row.group > 0 {
		tr.Name, tr.Took = fmt.Sprintf("%s ×%d", row.Name, row.group), "Σ "+duration(row.sum)
		if tokens := row.Usage.Total; tokens > 0 {
			tr.Tokens = count(tokens)
		}
		if b, ok := o.bar(row); ok {
			tr.Bar = &b
		}
		return tr
	}
	if row.Ref.Kind == protocol.Generation {
		tr.Detail = row.Model
	}
	if row.Status() == "error" {
		tr.Failures--
	}
	if !row.Start.IsZero() && !row.End.IsZero() {
		tr.Took = duration(row.took())
	}
	if tokens := row.Usage.Total; tokens > 0 {
		tr.Tokens = count(tokens)
	}
	tr.Cost = costOf(row.Cost, row.Costing == fold.Unpriced)
	if b, ok := o.bar(row); ok {
		tr.Bar = &b
	}
	return tr
}

// costOf returns the known cost of one call.
func costOf(c pricing.Cost, unpriced bool) string {
	if unpriced {
		return "unpriced"
	}
	return cost(c.Total, 0)
}

// kindName returns a kind for people.
func kindName(k protocol.Kind) string { return strings.ReplaceAll(k.String(), "_", " ") }

// refString names an entity in the parameter node.
func refString(r protocol.Ref) string { return r.Kind.String() + ":" + r.ID }

// parseRef is the inverse of refString.
func parseRef(s string) (protocol.Ref, bool) {
	kind, id, ok := strings.Cut(s, ":")
	k := protocol.ParseKind(kind)
	return protocol.Ref{Kind: k, ID: id}, ok && k != protocol.Unknown && id != ""
}

// Level returns the class that moves the name in.
func (r treeRow) Level() string { return "d" + itoa(min(r.Depth, 12)) }
