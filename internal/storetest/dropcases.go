package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// day returns a time of reception, some days behind start.
func day(n int) time.Time { return start.Add(time.Duration(n) * 24 * time.Hour) }

// received appends a sender's batch on a day.
func (h *harness) received(on int, sender byte, first uint64, lines ...string) store.Receipt {
	h.Helper()
	b := h.batch(sender, first, lines...)
	b.Recv = day(on)
	return h.append(b)
}

// drop drops the lines received before a day.
func (h *harness) drop(before int, wantAt store.Cursor, wantLines int64) {
	h.Helper()
	at, lines, err := h.shard.Retention.Drop(h.ctx(), day(before))
	if err != nil {
		h.Fatal(err)
	}
	if at != wantAt || lines != wantLines {
		h.Errorf("dropping before day %d: up to block %d, %d lines; want %d, %d", before, at, lines, wantAt, wantLines)
	}
}

// dropKeepsNumbers checks that nothing is used twice when lines are gone.
func dropKeepsNumbers(h *harness) {
	h.received(0, 'a', 1, numbered(1, 10)...)
	h.received(1, 'b', 1, numbered(11, 10)...)
	h.received(2, 'a', 11, numbered(21, 10)...)
	h.drop(0, 0, 0)
	h.drop(1, 1, 10)
	h.drop(1, 1, 0)
	h.equal(store.Receipt{Duplicate: 10}, h.received(3, 'a', 1, numbered(1, 10)...))
	left, err := h.shard.Log.Scan(h.ctx(), h.repo, 0, 100)
	if err != nil || len(left) != 20 || left[0].Number != 11 || left[19].Number != 30 {
		h.Fatalf("%d lines are left, %v", len(left), err)
	}
	h.drop(3, 3, 20)
	h.close()
	h.reopen()
	h.equal(store.Receipt{Duplicate: 20}, h.received(3, 'a', 1, numbered(1, 20)...))
	h.equal(store.Receipt{Stored: 1}, h.received(0, 'a', 21, "trace{id=late,action=end,data={}}"))
	lines, err := h.shard.Log.Lines(h.ctx(), []store.Loc{{Block: 1}, {Block: 3}, {Block: 4}})
	if err != nil || len(lines) != 1 || lines[0].Number != 31 || !lines[0].Recv.After(day(2)) {
		h.Errorf("%+v, %v; want line 31, received after what was dropped", lines, err)
	}
	at, before, err := h.shard.Retention.Dropped(h.ctx())
	if err != nil || at != 3 || !before.Equal(day(3)) {
		h.Errorf("dropped up to block %d, before %v, %v", at, before, err)
	}
	repos, err := h.shard.Log.Repositories(h.ctx())
	if err != nil {
		h.Fatal(err)
	}
	h.equal([]store.Repository{{ID: h.repo, Lines: 31}}, repos)
}

// dropForgetsSenders checks that a sender is forgotten long after its last lines only.
func dropForgetsSenders(h *harness) {
	h.received(0, 'a', 1, numbered(1, 1)...)
	h.received(0, 'b', 1, numbered(1, 1)...)
	h.received(10, 'b', 2, numbered(2, 1)...)
	h.received(40, 'c', 1, numbered(1, 1)...)
	h.drop(30, 3, 3)
	h.equal(store.Receipt{Duplicate: 1}, h.received(40, 'a', 1, numbered(1, 1)...))
	h.received(40, 'd', 1, numbered(1, 1)...)
	h.drop(42, 5, 2) // when a sender was seen is known to a day
	h.equal(store.Receipt{Stored: 1}, h.received(42, 'b', 2, numbered(2, 1)...))
	h.equal(store.Receipt{Duplicate: 1}, h.received(42, 'c', 1, numbered(1, 1)...))
	h.equal(store.Receipt{Duplicate: 1}, h.received(42, 'd', 1, numbered(1, 1)...))
}

// dropUnderIngest checks that lines are stored while others are dropped.
func dropUnderIngest(h *harness) {
	const batches = 100
	for i := range batches {
		h.received(0, 0, 0, numbered(i*10, 10)...)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, lines, err := h.shard.Retention.Drop(h.ctx(), day(1)); err != nil || lines != batches*10 {
			h.Errorf("dropped %d lines, %v", lines, err)
		}
	})
	var want []string
	for i := range batches {
		lines := numbered(5000+i*10, 10)
		b := h.batch('a', uint64(i*10+1), lines...)
		b.Recv = day(2)
		h.wantReceipt(b, 10, 0)
		want = append(want, lines...)
	}
	wg.Wait()
	var got []string
	left, err := h.shard.Log.Scan(h.ctx(), h.repo, 0, 1<<20)
	if err != nil {
		h.Fatal(err)
	}
	numbers := map[uint64]bool{}
	for _, l := range left {
		numbers[l.Number] = true
		got = append(got, string(l.Text))
	}
	slices.Sort(got)
	h.equal(want, got)
	h.equal(len(want), len(numbers))
}

// dropLeavesTheRest checks that the index answers when lines that it names are gone.
func dropLeavesTheRest(h *harness) {
	h.received(0, 'a', 1, `trace{id=t,action=create,data={"name":"kept","input":"gone"}}`)
	h.received(2, 'a', 2, `trace{id=t,action=update,data={"output":"here"}}`)
	h.settle()
	at, _, err := h.shard.Retention.Drop(h.ctx(), day(1))
	if err != nil {
		h.Fatal(err)
	}
	h.equal(`"here"`, string(h.tree("t").Output))
	if err := h.shard.IndexPruner.Prune(h.ctx(), at); err != nil {
		h.Fatal(err)
	}
	node := h.tree("t")
	h.equal(`"here"`, string(node.Output))
	h.equal("", string(node.Input))
	found, err := h.shard.Index.Get(h.ctx(), []fold.Key{fold.KeyOf(h.repo, protocol.Ref{Kind: protocol.Trace, ID: "t"})})
	if err != nil || len(found) != 1 || found[0].Name != "kept" {
		h.Errorf("%+v, %v", found, err)
	}
}
