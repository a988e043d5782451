package storetest

import (
	"fmt"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// shown holds the totals of a trace that both a list and a tree return.
type shown struct {
	Entity           fold.Entity // as far as a node has it
	Status           string
	Usage            pricing.Usage
	Cost             pricing.Cost
	Children, Errors int
}

// listed returns the list's totals by trace id.
func (h *harness) listed() map[string]shown {
	h.Helper()
	rows, err := h.shard.Lists.Rows(h.ctx(), store.RowQuery{Filter: store.Filter{Repo: h.repo}, Limit: 100})
	if err != nil {
		h.Fatal(err)
	}
	all := map[string]shown{}
	for _, r := range rows {
		e := fold.Entity{Name: r.Entity.Name, SessionID: r.Entity.SessionID, Start: r.Entity.Start, End: r.Entity.End, Lines: r.Entity.Lines}
		all[r.Entity.Ref.ID] = shown{e, r.Entity.Status(), r.Usage, r.Cost, r.Entities, r.ErrorEntities}
	}
	return all
}

// treed returns the totals of a trace's tree.
func (h *harness) treed(id string) shown {
	h.Helper()
	n, totals, err := project.Tree(h.ctx(), h.shard.Log, h.shard.Index, h.blobs, h.repo, protocol.Ref{Kind: protocol.Trace, ID: id})
	if err != nil {
		h.Fatal(err)
	}
	e := fold.Entity{Name: n.Name, SessionID: n.SessionID, Start: n.Start, End: n.End, Lines: n.Lines}
	entities := 0
	for _, n := range totals.Entities {
		entities += n
	}
	return shown{e, n.Status, totals.Usage, totals.Cost, entities - 1, totals.Entities["error"]}
}

// scatter sends lines of several senders, in an order of arrival in which some come
// late, settling now and then.
func (h *harness) scatter(t *rapid.T, lines []string) {
	next := map[byte]uint64{}
	var batches []store.Batch
	for len(lines) > 0 {
		sender := byte(rapid.IntRange('a', 'c').Draw(t, "sender"))
		n := rapid.IntRange(1, min(4, len(lines))).Draw(t, "lines")
		batches = append(batches, h.batch(sender, next[sender]+1, lines[:n]...))
		next[sender] += uint64(n)
		lines = lines[n:]
	}
	for _, b := range rapid.Permutation(batches).Draw(t, "arrival") {
		h.append(b)
		if rapid.Bool().Draw(t, "settle") {
			h.settle()
		}
	}
	h.settle()
}

// listsAgree checks that whatever order the lines of several senders arrive in, late
// ones included, the list says of each trace what its tree says.
func listsAgree(h *harness) {
	draw := 0
	rapid.Check(h.T, func(t *rapid.T) {
		draw++
		h.repo = fmt.Sprint("agree", draw)
		h.scatter(t, Lines(t))
		for id, row := range h.listed() {
			if diff := cmp.Diff(h.treed(id), row); diff != "" {
				t.Fatalf("trace %s: -tree +list:\n%s", id, diff)
			}
		}
	})
}

// totalsMove checks what a trace adds up to while entities get their places late and
// costs are replaced, one step of folding after the other.
func totalsMove(h *harness) {
	seq := uint64(0)
	step := func(children int, tokens int64, cost pricing.USD, line string) {
		h.Helper()
		seq++
		h.append(h.batch('a', seq, line))
		h.settle()
		row := h.listed()["t"]
		if row.Children != children || row.Usage.Total != tokens || row.Cost.Total != cost {
			h.Errorf("after line %d: %d entities, %d tokens, cost %v; want %d, %d, %v",
				seq, row.Children, row.Usage.Total, row.Cost.Total, children, tokens, cost)
		}
	}
	step(0, 0, 0, `trace{id=t,action=create,data={}}`)
	step(0, 0, 0, `span{id=s,action=add-generation,data={"id":"g"}}`) // s has no place yet
	step(0, 0, 0, `generation{id=g,action=result,data={"result":{"usage":{"total_tokens":5}}}}`)
	step(2, 5, 0, `trace{id=t,action=add-span,data={"id":"s"}}`)
	step(2, 5, 1000*pricing.Dollar, `generation{id=g,action=add-cost,data={"cost":1e3}}`)
	step(2, 5, pricing.Dollar/4, `generation{id=g,action=add-cost,data={"cost":0.25}}`)
	step(2, 7, pricing.Dollar/4, `generation{id=g,action=result,data={"result":{"usage":{"total_tokens":7}}}}`)
	step(3, 7, pricing.Dollar/4, `span{id=s,action=add-error,data={"id":"e"}}`)
	step(3, 7, pricing.Dollar/4, `trace{id=t,action=add-span,data={"id":"s"}}`) // once more

	h.append(h.batch('b', 9, `trace{id=u,action=add-span,data={"id":"v"}}`, `span{id=v,action=add-error,data={"id":"w"}}`))
	h.settle()
	h.equal([]int{3, 2}, []int{h.listed()["t"].Children, h.listed()["u"].Children})
	// A line that comes late gives v another parent: the first one wins.
	h.append(h.batch('b', 6, `trace{id=t,action=add-span,data={"id":"v"}}`))
	h.settle()
	h.equal([]int{5, 0}, []int{h.listed()["t"].Children, h.listed()["u"].Children})
}
