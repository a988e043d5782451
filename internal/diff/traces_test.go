package diff

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

func node(kind, name string, children ...*fold.Node) *fold.Node {
	return &fold.Node{Kind: kind, ID: kind + name, Name: name, Status: "ended", Start: start, End: start.Add(time.Second), Children: children}
}

func rows(d TraceDiff) []string {
	var all []string
	for _, r := range d.Rows {
		n := r.A
		if n == nil {
			n = r.B
		}
		all = append(all, fmt.Sprintf("%d %s %s %s", r.Depth, n.Kind, n.Name, r.State))
	}
	return all
}

func TestSiblingsAreAlignedByKindNameAndNumber(t *testing.T) {
	t.Parallel()
	a := node("trace", "t", node("tool_call", "x"), node("span", "s", node("tool_call", "x"), node("tool_call", "x")), node("error", "e"))
	b := node("trace", "t", node("span", "first"), node("span", "s", node("tool_call", "x")), node("retrieval", "r"), node("tool_call", "x"))
	b.Children[3].Status = "error"
	d := Traces(a, b)
	want := []string{
		"0 trace t same", "1 span first only B", "1 tool_call x changed", "1 span s same", "2 tool_call x same",
		"2 tool_call x only A", "1 retrieval r only B", "1 error e only A",
	}
	if diff := cmp.Diff(want, rows(d)); diff != "" {
		t.Errorf("wrong rows (-want +got):\n%s", diff)
	}
	if want := (Counts{3, 1, 2, 2}); d.Counts != want {
		t.Errorf("counts %+v, want %+v", d.Counts, want)
	}
}

func TestRowsAreSortedByTheSizeOfTheirDifferences(t *testing.T) {
	t.Parallel()
	made := func(seconds, cost, tokens [3]int64) *fold.Node {
		trace := node("trace", "t")
		for i := range 3 {
			n := node("generation", string(rune('a'+i)))
			n.End = n.Start.Add(time.Duration(seconds[i]) * time.Second)
			n.Cost, n.Usage = pricing.Cost{Total: pricing.USD(cost[i])}, pricing.Usage{Total: tokens[i]}
			trace.Children = append(trace.Children, n)
		}
		return trace
	}
	d := Traces(made([3]int64{5, 5, 5}, [3]int64{5, 5, 5}, [3]int64{5, 5, 5}), made([3]int64{4, 8, 7}, [3]int64{5, 6, 1}, [3]int64{9, 5, 5}))
	for by, want := range map[Order]string{ByPlace: "tabc", ByDuration: "bcat", ByCost: "cbta", ByTokens: "atbc"} {
		got := ""
		for _, r := range d.Sorted(by) {
			got += r.A.Name
		}
		if got != want {
			t.Errorf("order %d is %s, want %s", by, got, want)
		}
	}
	if d.Delta.Cost.Total != -3 || d.Delta.Usage.Total != 4 {
		t.Errorf("totals %+v, want cost -3 and 4 tokens", d.Delta)
	}
}

func TestAWrappersOwnUsageIsNotAddedToTheTotals(t *testing.T) {
	t.Parallel()
	a, b := node("trace", "t", node("span", "s", node("generation", "g"))), node("trace", "t", node("span", "s", node("generation", "g")))
	b.Usage, b.Children[0].Usage, b.Children[0].Children[0].Usage = pricing.Usage{Total: 7}, pricing.Usage{Total: 7}, pricing.Usage{Total: 7}
	if got := Traces(a, b).Delta.Usage.Total; got != 7 {
		t.Errorf("%d tokens more, want 7", got)
	}
}

func TestRowsAreCappedAndCountsAreNot(t *testing.T) {
	t.Parallel()
	trace := node("trace", "t")
	for range MaxRows + 10 {
		trace.Children = append(trace.Children, node("span", "s"))
	}
	d := Traces(trace, trace)
	if len(d.Rows) != MaxRows || d.Left != 11 || d.Counts.Same != MaxRows+11 {
		t.Errorf("%d rows, %d left, %+v", len(d.Rows), d.Left, d.Counts)
	}
}

func anyTree(depth int) *rapid.Generator[*fold.Node] {
	return rapid.Custom(func(t *rapid.T) *fold.Node {
		n := node(rapid.SampledFrom([]string{"span", "tool_call"}).Draw(t, "kind"), rapid.SampledFrom([]string{"", "x"}).Draw(t, "name"))
		n.Status = rapid.SampledFrom([]string{"ended", "error"}).Draw(t, "status")
		if depth > 0 {
			n.Children = rapid.SliceOfN(anyTree(depth-1), 0, 4).Draw(t, "children")
		}
		return n
	})
}

func size(n *fold.Node) int {
	total := 1
	for _, child := range n.Children {
		total += size(child)
	}
	return total
}

func TestTracesHaveEachNodeOnceAndAreSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyTree(3).Draw(t, "a"), anyTree(3).Draw(t, "b")
		if d := Traces(a, a); d.Counts != (Counts{Same: size(a)}) {
			t.Fatalf("a differs from itself: %+v", d.Counts)
		}
		there, back := Traces(a, b).Counts, Traces(b, a).Counts
		if back != (Counts{there.Same, there.Changed, there.OnlyB, there.OnlyA}) {
			t.Fatalf("counts %+v and %+v", there, back)
		}
		both := there.Same + there.Changed
		if both+there.OnlyA != size(a) || both+there.OnlyB != size(b) {
			t.Fatalf("counts %+v of %d and %d nodes", there, size(a), size(b))
		}
	})
}
