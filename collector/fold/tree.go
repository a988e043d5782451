package fold

import "slices"

// Totals is what a tree adds up to.
type Totals struct {
	Usage    Usage          `json:"usage"`
	Cost     Cost           `json:"cost"`
	Entities map[string]int `json:"entities"` // by kind, the root included
}

// Build returns the tree below root: the given entities, filled from the given
// lines. The entities decide what belongs to the tree and what hangs below what,
// the lines what is in it; lines about other entities do nothing. It sorts lines.
// The result is nil if root is not among the entities.
func Build(repo string, root Key, entities []Entity, lines []Line) (*Node, Totals) {
	full := make(map[Key]*builder, len(entities))
	for _, e := range entities {
		full[e.Key] = &builder{parent: e.Parent, thin: Entity{Key: e.Key, Repo: repo, Ref: e.Ref}}
	}
	Sort(lines)
	var order []*builder
	for _, l := range lines {
		changes, err := Decode(repo, l)
		if err != nil {
			continue
		}
		for _, c := range changes {
			b := full[c.Key]
			if b == nil {
				continue
			}
			if b.node == nil {
				b.node = &Node{}
				order = append(order, b)
			}
			b.thin.Apply(c)
			b.node.apply(c)
		}
	}
	return assemble(full, order, root)
}

// builder is a node in the making.
type builder struct {
	parent Key
	thin   Entity
	node   *Node // nil until a line touches it
}

// assemble hangs nodes, given in the order of their first lines, below their
// parents. A cycle of parents cannot hold the root's tree up: it is not below it.
func assemble(full map[Key]*builder, order []*builder, root Key) (*Node, Totals) {
	top := full[root]
	if top == nil {
		return nil, Totals{}
	}
	if top.node == nil {
		top.node = &Node{}
		top.node.finish(top.thin)
	}
	for _, b := range order {
		b.node.finish(b.thin)
		if parent := full[b.parent]; parent != nil && parent.node != nil && b != top {
			parent.node.Children = append(parent.node.Children, b.node)
		}
	}
	for _, b := range order {
		slices.SortStableFunc(b.node.Children, byStart)
	}
	totals := Totals{Entities: map[string]int{}}
	totals.add(top.node)
	return top.node, totals
}

// add counts a node and what is below it.
func (t *Totals) add(n *Node) {
	t.Usage.Add(n.Usage)
	t.Cost.Add(n.Cost)
	t.Entities[n.Kind]++
	for _, child := range n.Children {
		t.add(child)
	}
}

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
