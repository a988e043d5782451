package viewer

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// anyTree draws a trace with entities of few names, so that some are alike.
func anyTree(t *rapid.T) []fold.Entity {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	kinds := []protocol.Kind{protocol.Span, protocol.Generation, protocol.Retrieval, protocol.ToolCall, protocol.Error}
	entities := []fold.Entity{{Ref: protocol.Ref{Kind: protocol.Trace, ID: "root"}, Start: start, Started: true}}
	for i := range rapid.IntRange(0, 60).Draw(t, "entities") {
		e := fold.Entity{Ref: protocol.Ref{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), ID: fmt.Sprintf("id-%d", i)}}
		e.Name = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
		e.Started = rapid.IntRange(0, 9).Draw(t, "started") > 0
		e.Start = start.Add(time.Duration(i) * time.Second)
		if e.Ended = rapid.IntRange(0, 9).Draw(t, "ended") > 0; e.Ended {
			e.End = e.Start.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "took")) * time.Millisecond)
		}
		e.Failed = rapid.IntRange(0, 9).Draw(t, "failed") == 0
		e.Key = fold.KeyOf("r", e.Ref)
		e.Parent = fold.KeyOf("r", entities[rapid.IntRange(max(0, len(entities)-8), len(entities)-1).Draw(t, "parent")].Ref)
		entities = append(entities, e)
	}
	entities[0].Key = fold.KeyOf("r", entities[0].Ref)
	return entities
}

func anyTreeFilter(t *rapid.T, entities []fold.Entity) treeFilter {
	n := treeFilter{Key: rapid.Bool().Draw(t, "key"), Plain: rapid.Bool().Draw(t, "plain")}
	n.Min = time.Duration(rapid.SampledFrom([]int{0, 0, 1, 1500}).Draw(t, "min")) * time.Millisecond
	if rapid.Bool().Draw(t, "rooted") {
		n.Root = refString(entities[rapid.IntRange(0, len(entities)-1).Draw(t, "root")].Ref)
	}
	return n
}

// wanted says, from the definition alone, which entities a filter leaves: those below
// the root that it wants, and all that these hang below.
func wanted(rows []*outlineRow, n treeFilter) map[fold.Key]bool {
	from, to := 0, len(rows)
	for i, row := range rows {
		if refString(row.Ref) != n.Root {
			continue
		}
		from = i
		for to = i + 1; to < len(rows) && rows[to].depth > row.depth; to++ {
		}
	}
	left := map[fold.Key]bool{}
	for i := from; i < to; i++ {
		row := rows[i]
		long := row.Open() || max(row.End.Sub(row.Start), 0) >= n.Min
		if n.Key || n.Min > 0 {
			if row.Status() != "error" && (n.Key && !keyKinds[row.Ref.Kind] || !long) && i != from {
				continue
			}
		}
		left[row.Key] = true
		for depth, j := row.depth, i-1; j >= from; j-- {
			if rows[j].depth < depth {
				left[rows[j].Key], depth = true, rows[j].depth
			}
		}
	}
	return left
}

func TestNarrowingLeavesWhatIsWantedAndItsAncestors(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		entities := anyTree(t)
		n := anyTreeFilter(t, entities)
		want := wanted(newOutline(entities, now).rows, n)

		o := newOutline(entities, now)
		hidden := o.filter(n, now)
		got := map[fold.Key]bool{}
		for _, row := range o.rows {
			if row.group == 0 {
				got[row.Key] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if hidden != len(entities)-len(want) {
			t.Errorf("%d are said to be hidden, %d are", hidden, len(entities)-len(want))
		}
	})
}

// What assistive technology is told of a row must be true of the rows that are there.
func TestNarrowedRowsAreATree(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		entities := anyTree(t)
		o := newOutline(entities, now)
		o.filter(anyTreeFilter(t, entities), now)
		for i, row := range o.rows {
			if i == 0 && row.depth != 0 || i > 0 && (row.depth < 1 || row.depth > o.rows[i-1].depth+1) {
				t.Fatalf("row %d is %d deep", i, row.depth)
			}
			var children []*outlineRow
			for _, below := range o.rows[i+1 : o.end(i)] {
				if below.depth == row.depth+1 {
					children = append(children, below)
				}
			}
			if row.children != len(children) {
				t.Errorf("row %d is said to have %d children, it has %d", i, row.children, len(children))
			}
			for place, child := range children {
				if child.place != place+1 || child.siblings != len(children) {
					t.Errorf("a child is said to be %d of %d, it is %d of %d", child.place, child.siblings, place+1, len(children))
				}
			}
			if row.group > 0 && (row.group != len(children) || row.group < leastGroup) {
				t.Errorf("a row that stands for %d has %d below it", row.group, len(children))
			}
		}
		if s := o.treeJSON(); len(s.Kind) != len(o.rows) || len(s.Group) != len(o.rows) || len(s.X) != len(o.rows) {
			t.Errorf("the tree JSON has %d rows, the outline %d", len(s.Kind), len(o.rows))
		}
	})
}
