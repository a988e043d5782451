package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// cut sends lines as batches of drawn sizes, in drawn order, settling now and then.
func (h *harness) cut(t *rapid.T, lines []string) {
	type part struct{ first, end int }
	var parts []part
	for first := 0; first < len(lines); {
		end := min(len(lines), first+rapid.IntRange(1, 6).Draw(t, "size"))
		parts = append(parts, part{first, end})
		first = end
	}
	for _, p := range rapid.Permutation(parts).Draw(t, "order") {
		h.append(h.batch('a', uint64(p.first+1), lines[p.first:p.end]...))
		if rapid.Bool().Draw(t, "settle") {
			h.settle()
		}
	}
	h.settle()
}

// refoldEqual checks that whatever steps lines are folded in, each entity is the
// fold of its lines as package fold defines it, and that building the index again
// makes the same of them.
func refoldEqual(h *harness) {
	draw := 0
	rapid.Check(h.T, func(t *rapid.T) {
		draw++
		h.repo = fmt.Sprint("draw", draw)
		h.since = h.head()
		h.cut(t, Lines(t))
		if diff := cmp.Diff(h.defined(), h.entities()); diff != "" {
			t.Fatalf("-defined +folded in steps:\n%s", diff)
		}
	})
	stepwise := h.entities()
	if err := h.shard.Index.Reset(h.ctx()); err != nil {
		h.Fatal(err)
	}
	h.settle()
	h.equal(stepwise, h.entities())
}

// arrivalOrder checks that a sender's lines make the same tree in whatever order
// they arrive.
func arrivalOrder(h *harness) {
	draw := 0
	rapid.Check(h.T, func(t *rapid.T) {
		draw++
		lines := Lines(t)
		h.repo = fmt.Sprint("shuffled", draw)
		h.cut(t, lines)
		shuffled := h.tree("t")
		h.repo = fmt.Sprint("in order", draw)
		h.append(h.batch('a', 1, lines...))
		h.settle()
		if diff := cmp.Diff(h.tree("t"), shuffled, nodes); diff != "" {
			t.Fatalf("-in order +shuffled:\n%s", diff)
		}
	})
}

// nodes compares trees by what they show.
var nodes = cmpopts.IgnoreUnexported(fold.Node{})

func staleApply(h *harness) {
	h.append(h.batch('a', 1, numbered(1, 1)...))
	head := h.head()
	h.settle()
	before := h.entities()
	e := slices.Collect(maps.Values(before))[0]
	e.Name = "must not be stored"
	if err := h.shard.Index.Apply(h.ctx(), []store.Update{{Entity: e}}, 0, head); !errors.Is(err, store.ErrStale) {
		h.Errorf("error %v, want ErrStale", err)
	}
	h.equal(before, h.entities())
	if at, err := h.shard.Index.Cursor(h.ctx()); err != nil || at != head {
		h.Errorf("the cursor is at %d (%v), want %d", at, err, head)
	}
}

func resumeFolding(h *harness) {
	h.append(h.batch('a', 1, numbered(1, 5)...))
	h.settle()
	h.append(h.batch('a', 6, numbered(6, 5)...))
	h.close() // stored, and not folded yet
	h.reopen()
	h.settle()
	if got := h.entities(); len(got) != 10 {
		h.Errorf("%d entities, want 10", len(got))
	}
}

func startedAt(id string, second int) string {
	return fmt.Sprintf(`trace{id=%s,action=create,data={"startTimestamp":"2026-01-01T00:%02d:%02dZ"}}`, id, second/60, second%60)
}

func pagingUnderInserts(h *harness) {
	var lines, want []string
	for i := range 50 {
		id := fmt.Sprintf("t%02d", i)
		lines = append(lines, startedAt(id, 100+i/2)) // two traces start at the same time
		want = append(want, id)
	}
	h.append(h.batch('a', 1, lines...))
	h.settle()

	q := store.RowQuery{Filter: store.Filter{Repo: h.repo}, Kind: protocol.Trace, Limit: 7}
	var got []string
	for page := 0; ; page++ {
		rows, err := h.shard.Lists.Rows(h.ctx(), q)
		if err != nil {
			h.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, r.Entity.Ref.ID)
			q.After = r.Place
		}
		if len(rows) < q.Limit {
			break
		}
		// One newer and one older trace arrive between two pages.
		h.append(h.batch(byte('b'+page), 1, startedAt(fmt.Sprintf("new%d", page), 300), startedAt(fmt.Sprintf("old%d", page), page)))
		h.settle()
	}
	got = slices.DeleteFunc(got, func(id string) bool { return id[0] == 'o' })
	slices.Sort(got)
	h.equal(want, got)
}

func sessionTraces(h *harness) {
	h.append(h.batch('a', 1,
		`session{id=x,action=create,data={"name":"X"}}`,
		`trace{id=t1,action=create,data={"sessionId":"x"}}`,
		`trace{id=t2,action=create,data={}}`,
		`trace{id=t2,action=update,data={"sessionId":"x"}}`,
		`trace{id=t3,action=create,data={"sessionId":"y"}}`))
	h.settle()
	ids := func(q store.RowQuery) (ids []string) {
		h.Helper()
		q.Repo, q.Limit = h.repo, 10
		rows, err := h.shard.Lists.Rows(h.ctx(), q)
		if err != nil {
			h.Fatal(err)
		}
		for _, r := range rows {
			ids = append(ids, r.Entity.Ref.ID)
		}
		slices.Sort(ids)
		return ids
	}
	h.equal([]string{"t1", "t2"}, ids(store.RowQuery{Filter: store.Filter{Session: fold.KeyOf(h.repo, protocol.Ref{Kind: protocol.Session, ID: "x"})}}))
	h.equal([]string{"t1", "t2", "t3"}, ids(store.RowQuery{Kind: protocol.Trace}))
	h.equal([]string{"x", "y"}, ids(store.RowQuery{Kind: protocol.Session})) // y was only mentioned
}

func oddTexts(h *harness) {
	const id = "a b\x00'\"%\xff=é"
	h.append(h.batch('a', 1, `trace{id=`+id+`,action=create,data={"name":"n\u0000m","tags":{"\u0000":"'\ud800"}}}`))
	h.settle()
	got, err := h.shard.Index.Get(h.ctx(), []fold.Key{fold.KeyOf(h.repo, protocol.Ref{Kind: protocol.Trace, ID: id})})
	if err != nil || len(got) != 1 {
		h.Fatalf("%d entities, %v", len(got), err)
	}
	h.equal([]any{id, "n\x00m", map[string]string{"\x00": "'\uFFFD"}}, []any{got[0].Ref.ID, got[0].Name, got[0].Tags})
}

func circle(h *harness) {
	h.append(h.batch('a', 1,
		`trace{id=t,action=create,data={}}`,
		`span{id=a,action=add-span,data={"id":"b"}}`,
		`span{id=b,action=add-span,data={"id":"a"}}`,
		`span{id=a,action=add-span,data={"id":"a"}}`,
		`trace{id=t,action=add-span,data={"id":"c"}}`))
	h.settle()
	if n := len(h.tree("t").Children); n != 1 {
		h.Errorf("%d children, want 1", n)
	}
	node, totals, err := project.Tree(h.ctx(), h.shard.Log, h.shard.Index, h.blobs, h.repo, protocol.Ref{Kind: protocol.Span, ID: "a"})
	if err != nil {
		h.Fatal(err)
	}
	h.equal([]any{"a", 2}, []any{node.ID, totals.Entities["span"]})
}

func largeLine(h *harness) {
	key := h.repo + "/large-logs/u"
	h.append(h.batch('a', 1,
		`trace{id=t,action=create,data={}}`,
		`storage{id=u,action=process-large-log,data={"key":"`+key+`"}}`,
		`storage{id=v,action=process-large-log,data={"key":"no such blob"}}`,
		`trace{id=t,action=end,data={}}`))
	h.blobs[h.repo+"\n"+key] = []byte("trace{id=t,action=update,data={\"input\":\"large\"}}\nnot a line\n")
	h.settle()
	h.equal(`"large"`, string(h.tree("t").Input))
	h.equal("ended", h.tree("t").Status)
}

func counting(h *harness) {
	h.append(h.batch('a', 1,
		`session{id=x,action=create,data={}}`,
		`trace{id=t,action=create,data={"sessionId":"x"}}`,
		`trace{id=t,action=add-generation,data={"id":"g"}}`,
		`trace{id=t,action=add-error,data={"id":"e"}}`,
		`generation{id=g,action=end,data={}}`,
		`span{id=never-begun,action=update,data={}}`))
	h.settle()
	got, err := h.shard.Lists.Counts(h.ctx(), h.repo)
	if err != nil {
		h.Fatal(err)
	}
	h.equal(map[protocol.Kind]store.Count{
		protocol.Session: {Entities: 1, Open: 1}, protocol.Trace: {Entities: 1, Open: 1}, protocol.Span: {Entities: 1},
		protocol.Generation: {Entities: 1}, protocol.Error: {Entities: 1},
	}, got)
}
