package diff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// MaxRows limits the rows of a comparison of two trees.
const MaxRows = 5000

// TraceDiff is the comparison of two trees.
type TraceDiff struct {
	// Rows are the nodes of both trees, depth first: the nodes of A in order, and
	// each node that only B has after the sibling that it follows in B.
	Rows   []Row
	Left   int    // nodes that have no row, as there are more than MaxRows
	Counts Counts // of all nodes, those left out too
	// Delta is the difference of the roots' durations, and of the tokens and costs of
	// the generations in the trees.
	Delta Delta
}

// Row is a node of A, of B, or one of each that belong together.
type Row struct {
	State State
	Depth int        // below the root, which has 0
	A, B  *fold.Node // nil on the side that does not have it
	Delta Delta      // of the nodes alone, without their descendants
}

// Order is the sort order of rows.
type Order uint8

// Orders of rows. All but ByPlace put the largest difference first, whatever its sign.
const (
	ByPlace Order = iota
	ByDuration
	ByCost
	ByTokens
)

// Sorted returns the rows in an order; rows with equal differences keep theirs.
func (d *TraceDiff) Sorted(by Order) []Row {
	rows := slices.Clone(d.Rows)
	size := func(r Row) int64 {
		switch by {
		case ByDuration:
			return distance(int64(r.Delta.Duration))
		case ByCost:
			return distance(int64(r.Delta.Cost.Total))
		case ByTokens:
			return distance(r.Delta.Usage.Total)
		default:
			return 0
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(size(b), size(a)) })
	return rows
}

func distance(n int64) int64 { return max(n, -n) }

// Traces compares two trees. Siblings belong together if they have the same kind and
// name, and as many such siblings before them. They changed if their status, model,
// tokens, cost, inputs or outputs differ; times always do, and do not count. Nodes
// without bodies are compared by the rest.
func Traces(a, b *fold.Node) TraceDiff {
	d := TraceDiff{Delta: deltaOf(a, b)}
	d.Delta.Usage, d.Delta.Cost = pricing.Usage{}, pricing.Cost{}
	d.walk(a, b, 0)
	return d
}

// walk adds the rows of two nodes and their subtrees. Either may be nil.
func (d *TraceDiff) walk(a, b *fold.Node, depth int) {
	row := Row{State: stateOf(a, b), Depth: depth, A: a, B: b, Delta: deltaOf(a, b)}
	d.Counts.add(row.State, 1)
	if len(d.Rows) < MaxRows {
		d.Rows = append(d.Rows, row)
	} else {
		d.Left++
	}
	if isGeneration(a) || isGeneration(b) {
		d.Delta.Usage.Add(row.Delta.Usage)
		d.Delta.Cost.Add(row.Delta.Cost)
	}
	for _, p := range siblings(below(a), below(b)) {
		d.walk(p.a, p.b, depth+1)
	}
}

func isGeneration(n *fold.Node) bool { return n != nil && n.Kind == protocol.Generation.String() }

func below(n *fold.Node) []*fold.Node {
	if n == nil {
		return nil
	}
	return n.Children
}

// pair is two nodes that belong together, or one.
type pair struct{ a, b *fold.Node }

// place identifies a node among its siblings: the nth of its kind and name.
type place struct {
	kind, name string
	nth        int
}

// siblings pairs the nodes of two lists.
func siblings(a, b []*fold.Node) []pair {
	placesA, placesB := placesIn(a), placesIn(b)
	inA := make(map[place]bool, len(a))
	for _, p := range placesA {
		inA[p] = true
	}
	inB := make(map[place]*fold.Node, len(b))
	following := map[place][]*fold.Node{} // nodes only in B, by the place of the sibling before them
	last := place{}
	for i, p := range placesB {
		if inB[p] = b[i]; inA[p] {
			last = p
		} else {
			following[last] = append(following[last], b[i])
		}
	}
	pairs := make([]pair, 0, max(len(a), len(b)))
	add := func(nodes []*fold.Node) {
		for _, n := range nodes {
			pairs = append(pairs, pair{nil, n})
		}
	}
	add(following[place{}])
	for i, p := range placesA {
		pairs = append(pairs, pair{a[i], inB[p]})
		add(following[p])
	}
	return pairs
}

// placesIn returns the places of siblings; the first of a kind and name is number 1.
func placesIn(nodes []*fold.Node) []place {
	counts := make(map[place]int, len(nodes))
	places := make([]place, len(nodes))
	for i, n := range nodes {
		p := place{kind: n.Kind, name: n.Name}
		counts[p]++
		p.nth = counts[p]
		places[i] = p
	}
	return places
}

func stateOf(a, b *fold.Node) State {
	switch {
	case b == nil:
		return OnlyA
	case a == nil:
		return OnlyB
	case a.Kind == b.Kind && a.Name == b.Name && a.Status == b.Status && a.Model == b.Model && a.Provider == b.Provider &&
		a.Usage == b.Usage && a.Cost == b.Cost && sameBodies(a, b):
		return Same
	}
	return Changed
}

func sameBodies(a, b *fold.Node) bool {
	inA, inB := bodies(a), bodies(b)
	for i := range inA {
		if !bytes.Equal(inA[i], inB[i]) {
			return false
		}
	}
	return maps.EqualFunc(a.Parameters, b.Parameters, sameJSON) && sameConversation(a, b)
}

func sameJSON(a, b json.RawMessage) bool { return bytes.Equal(a, b) }

func bodies(n *fold.Node) [7]json.RawMessage {
	return [...]json.RawMessage{n.Input, n.Output, n.Docs, n.Args, n.Error, n.Message, n.Code}
}

// sameConversation compares messages and results, at first as they are and then by
// content: results have ids that no other has.
func sameConversation(a, b *fold.Node) bool {
	if sameJSON(a.Result, b.Result) && slices.EqualFunc(a.Messages, b.Messages, sameJSON) {
		return true
	}
	if !isGeneration(a) {
		return false
	}
	inA, inB := conversation.Of(a), conversation.Of(b)
	answerA, answerB := inA.Last(), inB.Last()
	if answerA == nil || answerB == nil {
		return answerA == answerB && sameJSON(a.Result, b.Result) && slices.Equal(contents(inA.Sent), contents(inB.Sent))
	}
	return contentOf(&answerA.Message) == contentOf(&answerB.Message) && slices.Equal(contents(inA.Sent), contents(inB.Sent))
}
