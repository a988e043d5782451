package storetest

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// recount is the expected answer of a Lists, counted from all entities.
type recount struct {
	entities map[fold.Key]fold.Entity
	trees    map[fold.Key][]fold.Entity // of each trace, itself included
	rows     map[fold.Key]store.Row
}

func newRecount(entities map[fold.Key]fold.Entity) *recount {
	r := &recount{entities: entities, trees: map[fold.Key][]fold.Entity{}, rows: map[fold.Key]store.Row{}}
	for _, e := range entities {
		if top, ok := r.top(e); ok {
			r.trees[top] = append(r.trees[top], e)
		}
	}
	for top, tree := range r.trees {
		r.rows[top] = rowOf(entities[top], tree)
	}
	return r
}

// top returns the trace of an entity.
func (r *recount) top(e fold.Entity) (fold.Key, bool) {
	for range len(r.entities) {
		if e.Ref.Kind == protocol.Trace {
			return e.Key, true
		}
		parent, ok := r.entities[e.Parent]
		if !ok {
			return fold.Key{}, false
		}
		e = parent
	}
	return fold.Key{}, false // they go in a circle
}

func begun(e fold.Entity) time.Time {
	if e.Start.IsZero() {
		return e.Seen
	}
	return e.Start
}

// inOrder sorts entities by time and key.
func inOrder(tree []fold.Entity) []fold.Entity {
	return slices.SortedFunc(slices.Values(tree), func(a, b fold.Entity) int {
		return cmp.Or(begun(a).Compare(begun(b)), bytes.Compare(a.Key[:], b.Key[:]))
	})
}

// rowOf returns a trace's row, without its place.
func rowOf(trace fold.Entity, tree []fold.Entity) store.Row {
	row := store.Row{Entity: trace}
	for _, e := range inOrder(tree) {
		row.Feedback += e.Feedback
		row.Attachments += e.Attachments
		if e.Key == trace.Key {
			continue
		}
		row.Entities++
		if e.Open() {
			row.Open++
		}
		failed := e.Failed
		switch e.Ref.Kind {
		case protocol.Generation:
			row.Generations++
			row.Usage.Add(e.Usage)
			row.Cost.Add(e.Cost)
			row.First = cmp.Or(row.First, e.First)
			row.Last = cmp.Or(e.Last, row.Last)
			if e.Costing == fold.Unpriced {
				row.Unpriced++
			}
		case protocol.ToolCall:
			row.Tools++
		default:
			failed = e.Ref.Kind == protocol.Error
			if failed {
				row.ErrorEntities++
			}
		}
		if failed {
			row.Errors++
		}
	}
	row.First, row.Last = cmp.Or(trace.First, row.First), cmp.Or(trace.Last, row.Last)
	return row
}

// values returns the values of a trace in a field.
func (r *recount) values(trace fold.Key, field store.Field) map[store.Facet]bool {
	row, values := r.rows[trace], map[store.Facet]bool{}
	add := func(key, value string) {
		values[store.Facet{Key: key, Value: value}] = true
	}
	named := func(kind protocol.Kind, name func(fold.Entity) string) {
		for _, e := range r.trees[trace] {
			if e.Ref.Kind == kind && name(e) != "" {
				add("", name(e))
			}
		}
	}
	switch field {
	case store.FieldStatus:
		add("", row.Entity.Status())
	case store.FieldSession:
		if row.Entity.SessionID != "" {
			add("", r.entities[row.Entity.Session].Ref.ID)
		}
	case store.FieldName:
		named(protocol.Trace, func(e fold.Entity) string { return e.Name })
	case store.FieldModel:
		named(protocol.Generation, func(e fold.Entity) string { return e.Model })
	case store.FieldTool:
		named(protocol.ToolCall, func(e fold.Entity) string { return e.Name })
	default:
		r.deepValues(trace, field, add)
	}
	return values
}

func (r *recount) deepValues(trace fold.Key, field store.Field, add func(key, value string)) {
	row := r.rows[trace]
	if field == store.FieldHas {
		for value, has := range map[string]bool{
			"error":    row.Errors > 0 || row.Entity.Status() == "error",
			"feedback": row.Feedback > 0, "attachment": row.Attachments > 0,
		} {
			if has {
				add("", value)
			}
		}
		return
	}
	for _, e := range r.trees[trace] {
		switch field {
		case store.FieldKind:
			if e.Key != trace {
				add("", e.Ref.Kind.String())
			}
		case store.FieldTag:
			for k, v := range e.Tags {
				add(k, v)
			}
		case store.FieldMeta:
			for k, v := range e.Meta {
				add(k, v)
			}
		case store.FieldIs:
			if !e.Started {
				add("", "orphan")
			}
		}
	}
}

// meets reports whether a trace meets a term.
func (r *recount) meets(trace fold.Key, t store.Term) bool {
	row, is := r.rows[trace], false
	switch t.Field {
	case store.FieldCost:
		is = compare(t.Op, int64(row.Cost.Total), t.Number)
	case store.FieldTokens:
		is = compare(t.Op, row.Usage.Input+row.Usage.Output, t.Number)
	default:
		is = r.values(trace, t.Field)[store.Facet{Key: t.Key, Value: t.Value}]
	}
	return is != t.Not
}

func compare(op store.Op, a, b int64) bool {
	switch op {
	case store.Less:
		return a < b
	case store.Most:
		return a <= b
	case store.Greater:
		return a > b
	case store.Least:
		return a >= b
	default:
		return a == b
	}
}

// matching returns the traces that meet all terms.
func (r *recount) matching(terms []store.Term) (keys []fold.Key) {
	for key := range r.rows {
		if !slices.ContainsFunc(terms, func(t store.Term) bool { return !r.meets(key, t) }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// stats returns roll-ups, in order.
func (r *recount) stats(part time.Duration) []store.Rollup {
	type place struct {
		start time.Time
		kind  protocol.Kind
		name  string
	}
	buckets := map[place]*store.Rollup{}
	for _, e := range r.entities {
		p := place{begun(e).Truncate(part), e.Ref.Kind, ""}
		switch e.Ref.Kind {
		case protocol.Trace:
		case protocol.Generation:
			p.name = cmp.Or(e.Model, "unknown")
		case protocol.ToolCall:
			p.name = cmp.Or(e.Name, "unknown")
		default:
			continue
		}
		if !e.Started {
			continue
		}
		if buckets[p] == nil {
			buckets[p] = &store.Rollup{Start: p.start, Kind: p.kind, Model: p.name}
		}
		count(buckets[p], e)
	}
	var all []store.Rollup
	for _, b := range buckets {
		all = append(all, *b)
	}
	slices.SortFunc(all, func(a, b store.Rollup) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Model, b.Model))
	})
	return all
}

func count(b *store.Rollup, e fold.Entity) {
	b.Count++
	if e.Failed {
		b.Errors++
	}
	if e.Ended && !e.Start.IsZero() && !e.End.Before(e.Start) {
		b.Durations[bits.Len64(uint64(max(e.End.Sub(e.Start).Microseconds(), 1)))-1]++
	}
	if e.Ref.Kind != protocol.Generation {
		return
	}
	b.Usage.Add(e.Usage)
	b.Cost.Add(e.Cost)
	if e.Costing == fold.Unpriced {
		b.Unpriced++
	}
}
