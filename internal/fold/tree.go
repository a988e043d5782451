package fold

import (
	"context"
	"slices"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// MaxDepth limits the levels of a tree below its root, so that it can be encoded and
// decoded. Deeper nodes are attached at the last level; none is left out.
const MaxDepth = 256

// Totals are the sums over a tree. Usage and cost logged for a span or a trace are not
// added, because they repeat the usage and cost of the generations below.
type Totals struct {
	Usage    pricing.Usage  `json:"usage"`              // of the generations
	Cost     pricing.Cost   `json:"cost"`               // of the generations
	Unpriced int            `json:"unpriced,omitempty"` // generations with tokens of no known price
	Entities map[string]int `json:"entities"`           // by kind, the root included
}

// Build returns the tree below root. The entities define which nodes belong to the tree and
// their parents, the lines define the content; lines about other entities are ignored. Build
// sorts lines in place. The tree is nil if root is not among the entities. Build returns
// an error only if ctx ends.
func Build(ctx context.Context, repo string, root Key, entities []Entity, lines []Line) (*Node, Totals, error) {
	full := make(map[Key]*builder, len(entities))
	for _, e := range entities {
		full[e.Key] = &builder{given: e, thin: Entity{Key: e.Key, Repo: repo, Ref: e.Ref}, node: &Node{}}
	}
	if full[root] == nil {
		return nil, Totals{}, nil
	}
	order, err := distribute(ctx, repo, full, lines)
	if err != nil {
		return nil, Totals{}, err
	}
	for _, b := range full {
		if ctx.Err() != nil {
			return nil, Totals{}, ctx.Err()
		}
		b.fold()
	}
	node, totals := assemble(full, order, root)
	return node, totals, nil
}

// builder is a node under construction.
type builder struct {
	given    Entity
	history  history
	thin     Entity
	node     *Node
	children []*builder
}

// distribute assigns the changes of the lines to their entities. It returns the entities in
// the order of their first lines.
func distribute(ctx context.Context, repo string, full map[Key]*builder, lines []Line) ([]*builder, error) {
	Sort(lines)
	var order []*builder
	for i, l := range lines {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		changes, err := Decode(repo, l)
		if err != nil {
			continue
		}
		for _, c := range changes {
			b := full[c.Key]
			if b == nil || c.Mention() {
				continue
			}
			if len(b.history.changes) == 0 {
				order = append(order, b)
			}
			b.history.add(l, c)
		}
	}
	return order, nil
}

// fold folds the changes into the node. It takes the form of the session id from the given
// entity and, unless the client gave a cost, the cost too: the lines of one trace decide neither.
// It frees the history, so that a large tree is not in memory twice.
func (b *builder) fold() {
	for c := range b.history.inOrder() {
		if b.thin.naming(c) {
			b.node.takeName()
		}
		if b.thin.Apply(c); b.thin.passes(c) {
			b.node.applyLabels(c.fields)
		} else {
			b.node.apply(c)
		}
	}
	b.history = history{}
	if b.given.Session == b.thin.Session {
		b.thin.SessionID = b.given.SessionID
	}
	if b.thin.Costing != GivenCost {
		b.thin.Cost, b.thin.Costing = b.given.Cost, b.given.Costing
	}
	b.node.finish(b.thin)
}

// assemble attaches nodes, given in the order of their first lines, to their parents. A cycle
// of parents does no harm: it cannot be below the root, because the root has no parent.
func assemble(full map[Key]*builder, order []*builder, root Key) (*Node, Totals) {
	top := full[root]
	for _, b := range order {
		if parent := full[b.given.Parent]; parent != nil && b != top {
			parent.children = append(parent.children, b)
		}
	}
	totals := Totals{Entities: map[string]int{}}
	totals.add(top.node)
	level := []hung{{top, top.node}}
	for depth := 1; len(level) > 0; depth++ {
		var next []hung
		for _, h := range level {
			for _, child := range h.children {
				totals.add(child.node)
				h.below.Children = append(h.below.Children, child.node)
				below := child.node
				if depth >= MaxDepth {
					below = h.below
				}
				next = append(next, hung{child, below})
			}
		}
		level = next
	}
	for _, b := range full {
		slices.SortStableFunc(b.node.Children, byStart)
	}
	return top.node, totals
}

// hung is an entity whose node is in the tree, and the node to which its children are
// attached.
type hung struct {
	*builder
	below *Node
}

// add counts a node.
func (t *Totals) add(n *Node) {
	t.Entities[n.Kind]++
	if n.Kind != protocol.Generation.String() {
		return
	}
	t.Usage.Add(n.Usage)
	t.Cost.Add(n.Cost)
	if n.Unpriced {
		t.Unpriced++
	}
}

// byStart orders nodes by start. A node without a start comes last.
func byStart(a, b *Node) int {
	switch {
	case a.Start.IsZero() && b.Start.IsZero():
		return 0
	case a.Start.IsZero():
		return 1
	case b.Start.IsZero():
		return -1
	}
	return a.Start.Compare(b.Start)
}
