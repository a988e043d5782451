package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// explorerAgrees checks that whatever order lines arrive in, all that a Lists says
// equals a recount of the entities that the lines make by definition.
func explorerAgrees(h *harness) {
	draw := 0
	rapid.Check(h.T, func(t *rapid.T) {
		draw++
		h.repo = fmt.Sprint("explored", draw)
		h.since = h.head()
		h.scatter(t, Lines(t))
		r := newRecount(h.defined())
		diff(t, "rows", r.rows, h.rowsByKey(store.RowQuery{}))
		var terms []store.Term
		for range rapid.IntRange(1, 3).Draw(t, "terms") {
			terms = append(terms, term(t))
		}
		want := map[fold.Key]store.Row{}
		for _, key := range r.matching(terms) {
			want[key] = r.rows[key]
		}
		sort := rapid.SampledFrom([]store.Sort{store.Newest, store.Oldest, store.Slowest, store.Costliest}).Draw(t, "sort")
		diff(t, fmt.Sprintf("rows with %v", terms), want, h.rowsByKey(store.RowQuery{Filter: store.Filter{Terms: terms}, Sort: sort}))
		h.facetsAgree(t, r, terms)
		h.statsAgree(t, r)
	})
}

// diff fails if two values differ.
func diff(t *rapid.T, what string, want, got any) {
	if d := gocmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s: -recount +told:\n%s", what, d)
	}
}

func term(t *rapid.T) store.Term {
	value := rapid.SampledFrom([]string{"a", "b", "7", "v", "1", "no such"})
	key := rapid.SampledFrom([]string{"k", "l"})
	fixed := func(values ...string) string { return rapid.SampledFrom(values).Draw(t, "value") }
	term := store.Term{Op: store.Equal, Not: rapid.Bool().Draw(t, "not")}
	term.Field = rapid.SampledFrom([]store.Field{
		store.FieldStatus, store.FieldKind, store.FieldModel, store.FieldTool, store.FieldName, store.FieldSession,
		store.FieldTag, store.FieldMeta, store.FieldCost, store.FieldTokens, store.FieldHas, store.FieldIs,
	}).Draw(t, "field")
	switch term.Field {
	case store.FieldStatus:
		term.Value = fixed("error", "open", "ended", "partial", "odd")
	case store.FieldKind:
		term.Value = fixed("generation", "tool_call", "span", "retrieval")
	case store.FieldSession:
		term.Value = fixed("x", "y")
	case store.FieldHas:
		term.Value = fixed("error", "feedback", "attachment")
	case store.FieldIs:
		term.Value = "orphan"
	case store.FieldCost, store.FieldTokens:
		term.Op = rapid.SampledFrom([]store.Op{store.Equal, store.Less, store.Most, store.Greater, store.Least}).Draw(t, "op")
		term.Number = rapid.Int64Range(0, 9).Draw(t, "number")
		if term.Field == store.FieldCost {
			term.Number *= int64(pricing.Dollar / 100)
		}
	case store.FieldTag, store.FieldMeta:
		term.Key = key.Draw(t, "key")
		term.Value = value.Draw(t, "value")
	default:
		term.Value = value.Draw(t, "value")
	}
	return term
}

// rowsByKey returns all rows of a query, two at a time, without their places, which it
// checks to be in order.
func (h *harness) rowsByKey(q store.RowQuery) map[fold.Key]store.Row {
	h.Helper()
	rows := map[fold.Key]store.Row{}
	for _, r := range h.pages(q, 2, func() {}) {
		if _, twice := rows[r.Entity.Key]; twice {
			h.Errorf("%s comes twice", r.Entity.Ref.ID)
		}
		r.Place = store.Place{}
		rows[r.Entity.Key] = r
	}
	return rows
}

// pages returns all rows of a query, and calls between after every page.
func (h *harness) pages(q store.RowQuery, limit int, between func()) (all []store.Row) {
	h.Helper()
	q.Repo, q.Limit = h.repo, limit
	for {
		rows, err := h.shard.Lists.Rows(h.ctx(), q)
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, rows...)
		if len(rows) < limit {
			break
		}
		q.After = rows[limit-1].Place
		between()
	}
	ordered := slices.IsSortedFunc(all, func(a, b store.Row) int {
		if q.Sort == store.Oldest {
			return cmp.Compare(a.Place.By, b.Place.By)
		}
		return cmp.Compare(b.Place.By, a.Place.By)
	})
	if !ordered {
		h.Errorf("rows are not in the order %q", q.Sort)
	}
	return all
}

func (h *harness) facetsAgree(t *rapid.T, r *recount, terms []store.Term) {
	h.Helper()
	f := store.Filter{Repo: h.repo, Terms: terms}
	fields := []store.Field{
		store.FieldStatus, store.FieldKind, store.FieldModel, store.FieldTool, store.FieldName, store.FieldSession,
		store.FieldTag, store.FieldMeta, store.FieldHas, store.FieldIs,
	}
	all, err := h.shard.Lists.Facets(h.ctx(), f, fields, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		want := map[store.Facet]int{}
		for _, trace := range r.matching(terms) {
			for value := range r.values(trace, field) {
				want[value]++
			}
		}
		got := map[store.Facet]int{}
		for _, facet := range all[field] {
			got[store.Facet{Key: facet.Key, Value: facet.Value}] = facet.Traces
		}
		diff(t, fmt.Sprintf("facets of %s with %v", field, terms), want, got)
	}
}

func (h *harness) statsAgree(t *rapid.T, r *recount) {
	h.Helper()
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for daily, part := range map[bool]time.Duration{false: time.Hour, true: 24 * time.Hour} {
		got, err := h.shard.Lists.Rollups(h.ctx(), store.RollupQuery{Repo: h.repo, From: day, To: day.AddDate(0, 0, 3), Daily: daily})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "stats", r.stats(part), got)
	}
	bars, err := h.shard.Lists.Histogram(h.ctx(), store.Filter{Repo: h.repo, From: day, To: day.AddDate(0, 0, 2)}, 7)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]store.Bar, 7)
	for i := range want {
		want[i].From = day.Add(48 * time.Hour * time.Duration(i) / 7).Truncate(time.Microsecond)
	}
	for _, row := range r.rows {
		i, _ := slices.BinarySearchFunc(want, begun(row.Entity).Add(1), func(b store.Bar, t time.Time) int { return b.From.Compare(t) })
		want[i-1].Traces++
		if row.Entity.Status() == "error" {
			want[i-1].Errors++
		}
	}
	diff(t, "histogram", want, bars)
}

// sortedPaging checks that no row is missed or returned twice, in each order, while others
// come in.
func sortedPaging(h *harness) {
	for _, sort := range []store.Sort{store.Newest, store.Oldest, store.Slowest, store.Costliest} {
		h.repo = "sorted " + string(sort)
		var lines []string
		add := func(id string, i int) {
			lines = append(lines, startedAt(id, 100+i/2),
				fmt.Sprintf(`trace{id=%s,action=end,data={"endTimestamp":"2026-01-01T00:%02d:%02dZ"}}`, id, 5+i/3, i%3),
				fmt.Sprintf(`trace{id=%s,action=add-generation,data={"id":"g%s","cost":%d}}`, id, id, i/2))
		}
		for i := range 23 {
			add(fmt.Sprintf("t%02d", i), i)
		}
		h.append(h.batch(0, 0, lines...))
		h.settle()
		late := 0
		got := map[string]int{}
		f := store.Filter{From: start.AddDate(0, 0, -2), To: start}
		for _, r := range h.pages(store.RowQuery{Filter: f, Sort: sort}, 4, func() {
			late++
			lines = nil
			add(fmt.Sprintf("new%d", late), 40+late)
			add(fmt.Sprintf("old%d", late), -3)
			h.append(h.batch(0, 0, lines...))
			h.settle()
		}) {
			got[r.Entity.Ref.ID]++
		}
		for i := range 23 {
			if id := fmt.Sprintf("t%02d", i); got[id] != 1 {
				h.Errorf("in the order %q %s comes %d times", sort, id, got[id])
			}
		}
	}
}

// rollupsOnce checks that entities which are folded anew, because lines come late or the
// index is rebuilt, are counted once.
func rollupsOnce(h *harness) {
	h.append(h.batch('a', 1, `trace{id=t,action=create,data={"startTimestamp":"2026-01-01T00:00:00Z"}}`,
		`trace{id=t,action=add-generation,data={"id":"g","model":"a","startTimestamp":"2026-01-01T00:00:00Z"}}`))
	h.append(h.batch('a', 6, `generation{id=g,action=end,data={"endTimestamp":"2026-01-01T00:00:01Z"}}`))
	h.settle()
	stats := func() []store.Rollup {
		h.Helper()
		buckets, err := h.shard.Lists.Rollups(h.ctx(), store.RollupQuery{Repo: h.repo})
		if err != nil {
			h.Fatal(err)
		}
		return buckets
	}
	h.append(h.batch('a', 4, `generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":2,"completion_tokens":1}}}}`,
		`trace{id=t,action=end,data={"endTimestamp":"2026-01-01T00:00:01Z"}}`))
	h.settle()
	once := stats()
	if len(once) != 2 || once[1].Count != 1 || once[1].Cost.Total != 3*pricing.Dollar/100 || once[1].Usage.Total != 3 || once[1].Durations[19] != 1 {
		h.Errorf("roll-ups are %+v", once)
	}
	if err := h.shard.Index.Reset(h.ctx()); err != nil {
		h.Fatal(err)
	}
	h.equal(0, len(stats()))
	h.settle()
	h.equal(once, stats())
}

func otherFilters(h *harness) {
	h.append(h.batch('a', 1,
		`trace{id=short,action=create,data={"startTimestamp":"2026-01-01T00:00:00Z","endTimestamp":"2026-01-01T00:00:01Z","sessionId":"x"}}`,
		`trace{id=long,action=create,data={"startTimestamp":"2026-01-01T00:00:01Z","endTimestamp":"2026-01-01T00:01:00Z","sessionId":"x"}}`,
		`trace{id=open,action=create,data={"startTimestamp":"2026-01-01T00:00:02Z"}}`))
	h.settle()
	key := func(kind protocol.Kind, id string) fold.Key {
		return fold.KeyOf(h.repo, protocol.Ref{Kind: kind, ID: id})
	}
	ids := func(f store.Filter) (ids []string) {
		h.Helper()
		for _, r := range h.pages(store.RowQuery{Filter: f}, 2, func() {}) {
			ids = append(ids, r.Entity.Ref.ID)
		}
		return ids
	}
	longer := store.Term{Field: store.FieldTime, Op: store.Greater, Number: time.Second.Microseconds()}
	first := time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)
	h.equal([]string{"open", "long"}, ids(store.Filter{Terms: []store.Term{longer}})) // it is open since then
	longer.Not = true
	h.equal([]string{"short"}, ids(store.Filter{Terms: []store.Term{longer}}))
	h.equal([]string{"open", "long"}, ids(store.Filter{From: first}))
	h.equal([]string{"short"}, ids(store.Filter{To: first}))
	h.equal([]string{"long", "short"}, ids(store.Filter{Session: key(protocol.Session, "x")}))
	h.equal([]string{"long"}, ids(store.Filter{Session: key(protocol.Session, "x"), From: first}))
	h.equal([]string(nil), ids(store.Filter{Session: key(protocol.Session, "y")}))
	h.equal([]string{"open", "short"}, ids(store.Filter{Among: []fold.Key{key(protocol.Trace, "short"), key(protocol.Trace, "open"), key(protocol.Trace, "none")}}))
	h.equal([]string(nil), ids(store.Filter{Among: []fold.Key{}}))
	h.equal([]string{"open"}, ids(store.Filter{Terms: []store.Term{{Field: store.FieldStatus, Op: store.Equal, Value: "open"}}}))
}

// sessionRows checks the list of sessions: its pages in both orders, its filters, its sums, and
// that it refuses the conditions and orders of traces.
func sessionRows(h *harness) {
	var lines []string
	for i := range 5 {
		lines = append(lines, fmt.Sprintf(`session{id=s%d,action=create,data={"startTimestamp":"2026-01-01T00:00:0%dZ"}}`, i, i))
	}
	h.append(h.batch('a', 1, append(lines,
		`session{id=s1,action=end,data={"endTimestamp":"2026-01-01T00:00:03Z"}}`,
		`trace{id=t1,action=create,data={"sessionId":"s1"}}`,
		`trace{id=t2,action=create,data={"sessionId":"s1"}}`,
		`trace{id=t2,action=add-generation,data={"id":"g"}}`)...))
	h.settle()
	ids := func(f store.Filter, sort store.Sort) (ids []string) {
		h.Helper()
		for _, r := range h.pages(store.RowQuery{Kind: protocol.Session, Filter: f, Sort: sort}, 2, func() {}) {
			ids = append(ids, r.Entity.Ref.ID)
			if r.Entity.Ref.ID == "s1" {
				h.equal(2, r.Entities)
			}
		}
		return ids
	}
	second := time.Date(2026, 1, 1, 0, 0, 2, 0, time.UTC)
	h.equal([]string{"s4", "s3", "s2", "s1", "s0"}, ids(store.Filter{}, store.Newest))
	h.equal([]string{"s0", "s1", "s2", "s3", "s4"}, ids(store.Filter{From: time.Unix(0, 0)}, store.Oldest))
	h.equal([]string{"s4", "s3", "s2"}, ids(store.Filter{From: second}, store.Newest))
	h.equal([]string{"s1", "s0"}, ids(store.Filter{To: second}, store.Newest))
	ended := store.Term{Field: store.FieldStatus, Op: store.Equal, Value: "ended"}
	h.equal([]string{"s1"}, ids(store.Filter{Terms: []store.Term{ended}}, store.Newest))
	ended.Not = true
	h.equal([]string{"s4", "s3", "s2", "s0"}, ids(store.Filter{Terms: []store.Term{ended}}, store.Newest))
	quick := store.Term{Field: store.FieldTime, Op: store.Most, Number: (2 * time.Second).Microseconds()}
	h.equal([]string{"s1"}, ids(store.Filter{Terms: []store.Term{quick}}, store.Newest)) // the others have been open since 2026
	for name, q := range map[string]store.RowQuery{
		"a label":  {Filter: store.Filter{Terms: []store.Term{{Field: store.FieldModel, Op: store.Equal, Value: "m"}}}},
		"a sum":    {Filter: store.Filter{Terms: []store.Term{{Field: store.FieldCost, Op: store.Least}}}},
		"duration": {Filter: store.Filter{From: time.Unix(0, 0)}, Sort: store.Slowest},
		"cost":     {Filter: store.Filter{From: time.Unix(0, 0)}, Sort: store.Costliest},
	} {
		q.Kind, q.Repo, q.Limit = protocol.Session, h.repo, 1
		if _, err := h.shard.Lists.Rows(h.ctx(), q); !errors.Is(err, store.ErrTerm) {
			h.Errorf("sessions by %s: %v, want ErrTerm", name, err)
		}
	}
}

func refusedTerms(h *harness) {
	h.append(h.batch('a', 1, numbered(1, 1)...))
	h.settle()
	for _, t := range []store.Term{{Field: "odd", Op: store.Equal}, {Field: store.FieldModel, Op: store.Less}, {Field: store.FieldCost, Op: "like"}} {
		_, err := h.shard.Lists.Rows(h.ctx(), store.RowQuery{Filter: store.Filter{Repo: h.repo, Terms: []store.Term{t}}, Limit: 1})
		if !errors.Is(err, store.ErrTerm) {
			h.Errorf("%v: error %v, want ErrTerm", t, err)
		}
	}
}

func findingIDs(h *harness) {
	h.append(h.batch('a', 1, startedAt("12345678", 1), startedAt("12345678-a", 2), startedAt("12345678-b", 3), startedAt("123", 4),
		`trace{id=123,action=add-span,data={"id":"12345678"}}`))
	h.settle()
	find := func(prefix string, limit int) (ids []string) {
		h.Helper()
		found, err := h.shard.Lists.Find(h.ctx(), h.repo, prefix, limit)
		if err != nil {
			h.Fatal(err)
		}
		for _, e := range found {
			ids = append(ids, e.Ref.Kind.String()+" "+e.Ref.ID)
		}
		return ids
	}
	h.equal([]string{"span 12345678", "trace 12345678", "trace 12345678-b", "trace 12345678-a"}, find("12345678", 9))
	h.equal([]string{"span 12345678", "trace 12345678", "trace 12345678-b"}, find("12345678", 3))
	h.equal([]string{"trace 12345678-b"}, find("12345678-b", 3))
	h.equal([]string{"trace 123"}, find("123", 3))
	h.equal([]string(nil), find("1", 3))
	h.equal([]string(nil), find("12345678%", 3))
}
