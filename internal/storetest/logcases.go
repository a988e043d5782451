package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

func batchTwice(h *harness) {
	lines := numbered(1, 300)
	h.wantReceipt(h.batch('a', 1, lines...), 300, 0)
	h.wantReceipt(h.batch('a', 1, lines...), 0, 300)
	h.equal(lines, h.texts(h.repo))
}

func overlap(h *harness) {
	h.wantReceipt(h.batch('a', 1, numbered(1, 10)...), 10, 0)
	h.wantReceipt(h.batch('a', 6, numbered(6, 10)...), 5, 5)
	h.wantReceipt(h.batch('a', 3, numbered(3, 20)...), 7, 13)
	h.equal(numbered(1, 22), h.texts(h.repo))
}

func lateFill(h *harness) {
	h.wantReceipt(h.batch('a', 1, numbered(1, 2)...), 2, 0)
	h.wantReceipt(h.batch('a', 5, numbered(5, 2)...), 2, 0)
	h.wantReceipt(h.batch('a', 9, numbered(9, 1)...), 1, 0)
	h.wantReceipt(h.batch('a', 1, numbered(1, 10)...), 5, 5)
	h.wantReceipt(h.batch('a', 1, numbered(1, 10)...), 0, 10)
	h.equal(slices.Concat(numbered(1, 2), numbered(5, 2), numbered(9, 1), numbered(3, 2), numbered(7, 2), numbered(10, 1)),
		h.texts(h.repo))
	blocks, _, err := h.shard.Log.Read(h.ctx(), 0, 100)
	if err != nil {
		h.Fatal(err)
	}
	late := map[uint64]bool{}
	for _, b := range blocks {
		late[b.First] = b.Late
	}
	h.equal(map[uint64]bool{1: false, 5: false, 9: false, 3: true, 7: true, 10: false}, late)
}

func noSpool(h *harness) {
	h.wantReceipt(h.batch(0, 0, numbered(1, 3)...), 3, 0)
	h.wantReceipt(h.batch(0, 0, numbered(1, 3)...), 3, 0)
	h.equal(slices.Concat(numbered(1, 3), numbered(1, 3)), h.texts(h.repo))
}

func racingCopies(h *harness) {
	const rounds, copies = 200, 2
	for round := range rounds {
		b := h.batch('a', uint64(round*3+1), numbered(round*3+1, 3)...)
		stored := make([]int, copies)
		var wg sync.WaitGroup
		for i := range copies {
			wg.Go(func() {
				if receipts, err := h.shard.Log.Append(h.ctx(), []store.Batch{b}); err != nil {
					h.Error(err)
				} else {
					stored[i] = receipts[0].Stored
				}
			})
		}
		wg.Wait()
		if stored[0]+stored[1] != 3 {
			h.Fatalf("round %d stored %v lines, want 3 in all", round, stored)
		}
	}
	h.equal(numbered(1, rounds*3), h.texts(h.repo))
}

func manyBatches(h *harness) {
	const senders, batches = 16, 10
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			for i := range batches {
				if _, err := h.shard.Log.Append(h.ctx(), []store.Batch{h.batch(byte(sender), uint64(i*3+1), numbered(i*3+1, 3)...)}); err != nil {
					h.Error(err)
				}
			}
		})
	}
	wg.Wait()
	count := map[string]int{}
	for _, text := range h.texts(h.repo) {
		count[text]++
	}
	want := map[string]int{}
	for _, text := range numbered(1, batches*3) {
		want[text] = senders
	}
	h.equal(want, count)
}

func refused(h *harness) {
	b := h.batch('a', 1, numbered(1, 5)...)
	b.Lines[2] = nil
	h.wantReceipt(b, 4, 0)
	h.wantReceipt(b, 0, 5)
	h.wantReceipt(h.batch('a', 6, numbered(6, 1)...), 1, 0)
	h.equal(slices.Concat(numbered(1, 2), numbered(4, 3)), h.texts(h.repo))
	repos, err := h.shard.Log.Repositories(h.ctx())
	if err != nil {
		h.Fatal(err)
	}
	h.equal([]store.Repository{{ID: h.repo, Lines: 5, Refused: 1}}, repos)
}

func malformedBatch(h *harness) {
	good := h.batch('a', 1, numbered(1, 1)...)
	noRepo := good
	noRepo.Repo = ""
	zero := good
	zero.First = 0
	tooLarge := good
	tooLarge.First = 1<<64 - 1
	for name, bad := range map[string]store.Batch{"no repository": noRepo, "number 0": zero, "number too large": tooLarge} {
		if _, err := h.shard.Log.Append(h.ctx(), []store.Batch{good, bad}); !errors.Is(err, store.ErrBatch) {
			h.Errorf("%s: error %v, want ErrBatch", name, err)
		}
	}
	h.equal([]string{}, h.texts(h.repo))
}

func exactBytes(h *harness) {
	lines := []string{
		"", "\x00", "\xff\xfe", "a\r", strings.Repeat("é", 100), "\u2028", `{"a":NaN,"b":"\ud800"}`,
		strings.Repeat("0123456789abcdef", 8<<20/16), "after the large one",
	}
	h.append(h.batch('a', 1, lines...))
	got := h.texts(h.repo)
	if !slices.Equal(lines, got) {
		h.Errorf("lines of lengths %v came back with lengths %v", lengths(lines), lengths(got))
	}
}

func lengths(lines []string) []int {
	n := make([]int, len(lines))
	for i, l := range lines {
		n[i] = len(l)
	}
	return n
}

func isolation(h *harness) {
	h.append(h.batch('a', 1, numbered(1, 3)...))
	other := h.batch('a', 1, numbered(1, 2)...)
	other.Repo = "other"
	h.wantReceipt(other, 2, 0)
	h.settle()
	h.equal(numbered(1, 3), h.texts(h.repo))
	h.equal(numbered(1, 2), h.texts("other"))
	h.equal([]string{}, h.texts("none"))
	repos, err := h.shard.Log.Repositories(h.ctx())
	if err != nil {
		h.Fatal(err)
	}
	h.equal([]store.Repository{{ID: "other", Lines: 2}, {ID: h.repo, Lines: 3}}, repos)
}

func scanning(h *harness) {
	const n = 1000
	for first := 1; first <= n; first += 250 {
		h.append(h.batch('a', uint64(first), numbered(first, 250)...))
	}
	var got []string
	after := uint64(0)
	for {
		page, err := h.shard.Log.Scan(h.ctx(), h.repo, after, 77)
		if err != nil {
			h.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			after++
			if l.Number != after {
				h.Fatalf("line %d came where %d was expected", l.Number, after)
			}
			got = append(got, string(l.Text))
		}
	}
	h.equal(numbered(1, n), got)
}

func reading(h *harness) {
	var want []string
	for i := range 10 {
		lines := numbered(i*200, 200)
		h.append(h.batch(byte('a'+i), 1, lines...))
		want = append(want, lines...)
	}
	head := h.head()
	var got []string
	var at store.Cursor
	for {
		blocks, next, err := h.shard.Log.Read(h.ctx(), at, 500)
		if err != nil {
			h.Fatal(err)
		}
		if len(blocks) == 0 {
			break
		}
		lines := 0
		for _, b := range blocks {
			if len(b.Lines) > store.BlockLines {
				h.Errorf("a block of %d lines", len(b.Lines))
			}
			lines += len(b.Lines)
			for i, text := range b.Lines {
				got = append(got, string(text))
				h.sameLine(b, i)
			}
		}
		if lines > 500 {
			h.Errorf("read %d lines at once, want at most 500", lines)
		}
		at = next
	}
	if at != head {
		h.Errorf("reading ended at %d, the head is %d", at, head)
	}
	h.equal(want, got)
}

// sameLine checks that the line of a block is found at its place, too.
func (h *harness) sameLine(b store.Block, i int) {
	h.Helper()
	if i%50 != 0 {
		return
	}
	at := store.Loc{Block: b.Number, Index: i}
	got, err := h.shard.Log.Lines(h.ctx(), []store.Loc{at, {Block: b.Number, Index: 1 << 20}, {Block: 1 << 40}, at})
	if err != nil {
		h.Fatal(err)
	}
	h.equal([]store.Located{b.At(i)}, got)
}

func growingTimes(h *harness) {
	for i := range 5 {
		b := h.batch(byte('a'+i), 1, numbered(1, 1)...)
		b.Recv = start.Add(-time.Duration(i) * time.Hour)
		h.append(b)
	}
	blocks, _, err := h.shard.Log.Read(h.ctx(), 0, 100)
	if err != nil {
		h.Fatal(err)
	}
	for i := 1; i < len(blocks); i++ {
		if !blocks[i].Recv.After(blocks[i-1].Recv) {
			h.Errorf("block %d was received at %v, the one before at %v", i, blocks[i].Recv, blocks[i-1].Recv)
		}
	}
}

func reopening(h *harness) {
	h.append(h.batch('a', 1, numbered(1, 10)...))
	h.close()
	h.reopen()
	h.wantReceipt(h.batch('a', 6, numbered(6, 10)...), 5, 5)
	h.equal(numbered(1, 15), h.texts(h.repo))
}

func closedStore(h *harness) {
	h.close()
	ctx := context.Background()
	_, appendErr := h.shard.Log.Append(ctx, []store.Batch{h.batch('a', 1, "x")})
	_, _, readErr := h.shard.Log.Read(ctx, 0, 1)
	_, headErr := h.shard.Log.Head(ctx)
	_, cursorErr := h.shard.Index.Cursor(ctx)
	_, treeErr := h.shard.Index.Tree(ctx, [16]byte{1})
	for name, err := range map[string]error{
		"Append": appendErr, "Read": readErr, "Head": headErr, "Cursor": cursorErr, "Tree": treeErr,
		"Apply": h.shard.Index.Apply(ctx, nil, 0, 1), "Reset": h.shard.Index.Reset(ctx),
	} {
		if !errors.Is(err, store.ErrClosed) {
			h.Errorf("%s returned %v, want ErrClosed", name, err)
		}
	}
	h.equal(fmt.Sprint(nil), fmt.Sprint(h.cluster.Close()))
}
