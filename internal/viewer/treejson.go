package viewer

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// treeJSON is all rows of a tree by columns, for js/tree.js: names that repeat are given
// once, ids only as far as needed to tell rows apart.
type treeJSON struct {
	Names  []string `json:"names"` // that the columns Name, Detail and Mark point into
	Kind   []int    `json:"kind"`  // fold.Kind
	ID     []string `json:"id"`    // the beginning of each id
	Name   []int    `json:"name"`
	Detail []int    `json:"detail"` // the model
	Mark   []int    `json:"mark"`   // anomaly of its position
	Depth  []int    `json:"depth"`
	Status []int    `json:"status"` // 0 ended, 1 open, 2 error, 3 partial
	Group  []int    `json:"group"`  // number of rows grouped under it; 0 for an entity
	X      []int    `json:"x"`      // of the bar, in ten-thousandths; -1 for none
	Width  []int    `json:"width"`
	Took   []int64  `json:"took"`   // microseconds; -1 if it is not known
	Tokens []int64  `json:"tokens"` // in and out
	Cost   []string `json:"cost"`
}

// idBytes is the length of an id prefix that is sent if it is unique in the trace.
const idBytes = 8

var statusNumbers = map[string]int{"ended": 0, "open": 1, "error": 2, "partial": 3}

func (v *Viewer) nodes(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	ref := protocol.Ref{Kind: protocol.Trace, ID: r.PathValue("id")}
	entities := v.snapshots.take(r.URL.Query().Get("snapshot"), fold.KeyOf(repo, ref))
	if entities == nil {
		if entities, err = v.service.Entities(r.Context(), repo, ref); err != nil {
			return err
		}
	}
	now := time.Now()
	o := newOutline(entities, now)
	o.filter(treeFilterOf(r), now)
	body, err := json.Marshal(o.treeJSON())
	if err != nil {
		return err
	}
	return send(w, r, "application/json", body, 0)
}

func (o *outline) treeJSON() *treeJSON {
	s := &treeJSON{}
	numbers := map[string]int{}
	name := func(text string) int {
		n, ok := numbers[text]
		if !ok {
			n = len(s.Names)
			numbers[text] = n
			s.Names = append(s.Names, text)
		}
		return n
	}
	prefixes := map[string]int{}
	short := func(ref protocol.Ref) string { return ref.Kind.String() + ":" + ref.ID[:min(len(ref.ID), idBytes)] }
	for _, row := range o.rows {
		prefixes[short(row.Ref)]++
	}
	for _, row := range o.rows {
		id := row.Ref.ID
		if prefixes[short(row.Ref)] == 1 {
			id = id[:min(len(id), idBytes)]
		}
		tr := o.treeRow(row, 0)
		s.Kind, s.ID, s.Name = append(s.Kind, int(row.Ref.Kind)), append(s.ID, id), append(s.Name, name(tr.Name))
		s.Detail, s.Mark = append(s.Detail, name(tr.Detail)), append(s.Mark, name(tr.Mark))
		s.Group = append(s.Group, row.group)
		s.Depth, s.Status = append(s.Depth, row.depth), append(s.Status, statusNumbers[tr.Status])
		x, width := -1, 0
		if tr.Bar != nil {
			x, width = tr.Bar.X, tr.Bar.Width
		}
		s.X, s.Width = append(s.X, x), append(s.Width, width)
		took := int64(-1)
		if row.group > 0 {
			took = row.sum.Microseconds()
		} else if !row.Start.IsZero() && !row.End.IsZero() {
			took = row.took().Microseconds()
		}
		s.Took, s.Tokens, s.Cost = append(s.Took, took), append(s.Tokens, row.Usage.Total), append(s.Cost, tr.Cost)
	}
	return s
}
