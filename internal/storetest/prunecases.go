package storetest

import (
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// row returns the row of trace t.
func (h *harness) row() store.Row {
	h.Helper()
	rows := h.pages(store.RowQuery{}, 100, func() {})
	for _, r := range rows {
		if r.Entity.Ref.ID == "t" {
			return r
		}
	}
	h.Fatal("there is no trace t")
	return store.Row{}
}

func givenCosts(h *harness) {
	h.append(h.batch('a', 1, `trace{id=t,action=create,data={}}`,
		`trace{id=t,action=add-generation,data={"id":"g","model":"a"}}`,
		`trace{id=t,action=add-generation,data={"id":"h","model":"no price"}}`,
		`generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":2,"completion_tokens":1}}}}`,
		`generation{id=h,action=result,data={"result":{"usage":{"prompt_tokens":2,"completion_tokens":1}}}}`,
		`span{id=s,action=add-cost,data={"cost":7}}`))
	h.settle()
	row := h.row()
	h.equal([]any{3 * pricing.Dollar / 100, 1}, []any{row.Cost.Total, row.Unpriced})
	h.append(h.batch('a', 7, `generation{id=g,action=add-cost,data={"cost":{"input":0.000000001,"output":0.5}}}`,
		`generation{id=h,action=add-cost,data={"cost":"0.25"}}`))
	h.settle()
	row = h.row()
	h.equal([]any{3*pricing.Dollar/4 + 1, 0}, []any{row.Cost.Total, row.Unpriced})
	node, totals, err := project.Tree(h.ctx(), h.shard.Log, h.shard.Index, h.blobs, h.repo, protocol.Ref{Kind: protocol.Trace, ID: "t"})
	if err != nil {
		h.Fatal(err)
	}
	h.equal(row.Cost, totals.Cost)
	h.equal(row.Cost.Total, node.Children[0].Cost.Total+node.Children[1].Cost.Total)
}

// newPrices checks that an index which is opened with other prices is made anew, and one
// that is opened with the same is not.
func newPrices(h *harness) {
	h.append(h.batch('a', 1, `trace{id=t,action=add-generation,data={"id":"g","model":"a"}}`,
		`generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":2}}}}`))
	h.settle()
	h.equal(2*pricing.Dollar/100, h.row().Cost.Total)
	for _, version := range []string{"1", "2"} {
		h.close()
		h.reopenWith(prices{version, pricing.Dollar})
		at, err := h.shard.Index.Cursor(h.ctx())
		if err != nil || (at == 0) != (version == "2") {
			h.Errorf("with prices %s the cursor is at %d (%v)", version, at, err)
		}
	}
	h.settle()
	h.equal(2*pricing.Dollar, h.row().Cost.Total)
}

// prune prunes the index and checks by how many entities its counts shrink.
func (h *harness) prune(before store.Cursor, want int) {
	h.Helper()
	had := h.counted()
	if err := h.shard.IndexPruner.Prune(h.ctx(), before); err != nil {
		h.Fatal(err)
	}
	if n := had - h.counted(); n != want {
		h.Errorf("pruning dropped %d entities, want %d", n, want)
	}
}

// counted returns the number of entities of the repository.
func (h *harness) counted() (n int) {
	h.Helper()
	counts, err := h.shard.Lists.Counts(h.ctx(), h.repo)
	if err != nil {
		h.Fatal(err)
	}
	for _, c := range counts {
		n += c.Entities
	}
	return n
}

func forgetting(h *harness) {
	turns := func(first, n int) (lines []string) {
		for i := first; i < first+n; i++ {
			lines = append(lines, fmt.Sprintf(`trace{id=t%d,action=create,data={"sessionId":"x","tags":{"n":"%d"}}}`, i, i),
				fmt.Sprintf(`trace{id=t%d,action=add-generation,data={"id":"g%d","model":"a"}}`, i, i),
				fmt.Sprintf(`generation{id=g%d,action=result,data={"result":{"usage":{"prompt_tokens":2}}}}`, i))
		}
		return lines
	}
	h.append(h.batch('a', 1, turns(0, 300)...))
	middle := h.head()
	h.append(h.batch('b', 1, turns(300, 3)...))
	h.settle()
	stats, err := h.shard.Lists.Rollups(h.ctx(), store.RollupQuery{Repo: h.repo})
	if err != nil {
		h.Fatal(err)
	}
	h.prune(middle, 600)
	h.prune(middle, 0)
	h.equal(3, len(h.pages(store.RowQuery{}, 2, func() {})))
	facets, err := h.shard.Lists.Facets(h.ctx(), store.Filter{Repo: h.repo}, []store.Field{store.FieldTag}, 10)
	if err != nil || len(facets[store.FieldTag]) != 3 {
		h.Errorf("%d tags (%v), want 3", len(facets[store.FieldTag]), err)
	}
	counts, err := h.shard.Lists.Counts(h.ctx(), h.repo)
	if err != nil {
		h.Fatal(err)
	}
	h.equal(map[protocol.Kind]store.Count{protocol.Session: {Entities: 1}, protocol.Trace: {Entities: 3, Open: 3}, protocol.Generation: {Entities: 3, Open: 3}}, counts)
	sessions, err := h.shard.Lists.Rows(h.ctx(), store.RowQuery{Filter: store.Filter{Repo: h.repo}, Kind: protocol.Session, Limit: 2})
	if err != nil || len(sessions) != 1 || sessions[0].Entities != 3 {
		h.Errorf("sessions %+v (%v), want one with 3 traces", sessions, err)
	}
	after, err := h.shard.Lists.Rollups(h.ctx(), store.RollupQuery{Repo: h.repo})
	if err != nil {
		h.Fatal(err)
	}
	h.equal(stats, after)
	h.append(h.batch('c', 1, turns(400, 1)...))
	h.settle()
	h.prune(h.head(), 9) // and the session
	h.equal(0, len(h.pages(store.RowQuery{}, 2, func() {})))
}

func forgettingParts(h *harness) {
	h.append(h.batch('a', 1, `trace{id=t,action=create,data={}}`, `trace{id=t,action=add-span,data={"id":"s"}}`,
		`trace{id=t,action=add-generation,data={"id":"g","model":"a","messages":[{"role":"user","content":"hello"}]}}`,
		`generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":2}}}}`))
	first := h.head()
	h.append(h.batch('a', 5, `span{id=s,action=end,data={}}`))
	h.settle()
	h.equal([]any{2, 1, "hello"}, []any{h.row().Entities, h.row().Generations, h.row().First})
	h.prune(first, 1)
	h.equal([]any{1, 0, "", pricing.USD(0)}, []any{h.row().Entities, h.row().Generations, h.row().First, h.row().Cost.Total})
	models, err := h.shard.Lists.Facets(h.ctx(), store.Filter{Repo: h.repo}, []store.Field{store.FieldModel}, 10)
	if err != nil || len(models[store.FieldModel]) != 0 {
		h.Errorf("models %v (%v), want none", models, err)
	}
	h.prune(h.head(), 2)
}

// largeTrace checks that a trace with more entities and lines than any part of the
// storage holds comes back, with all places of its lines.
func largeTrace(h *harness) {
	const spans = 3000
	lines := []string{`trace{id=t,action=create,data={}}`}
	for i := range spans {
		lines = append(lines, fmt.Sprintf(`trace{id=t,action=add-span,data={"id":"s%d"}}`, i))
		if len(lines) == 500 {
			h.append(h.batch(0, 0, lines...))
			h.settle()
			lines = nil
		}
	}
	h.append(h.batch(0, 0, lines...))
	h.settle()
	locs, err := h.shard.Index.Locs(h.ctx(), []fold.Key{fold.KeyOf(h.repo, protocol.Ref{Kind: protocol.Trace, ID: "t"})})
	if err != nil || len(locs) != spans+1 {
		h.Errorf("%d places (%v), want %d", len(locs), err, spans+1)
	}
	ids := map[string]bool{}
	for _, child := range h.tree("t").Children {
		ids[strings.TrimPrefix(child.ID, "s")] = true
	}
	h.equal([]int{spans, spans}, []int{len(ids), h.row().Entities})
}
