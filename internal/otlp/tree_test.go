package otlp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// log is a store of lines: what a collector does with batches, in memory.
type log struct {
	lines  map[string][]fold.Line // by repository
	seen   map[string]bool
	stored int
}

// convert converts a request and stores what becomes of it.
func (l *log) convert(t interface {
	Helper()
	Fatal(args ...any)
}, body []byte, f Format) Result {
	t.Helper()
	r, err := Convert(body, f, "", func(batches []Batch) error {
		l.add(batches)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// converted is a Result with all batches.
type converted struct {
	Result
	Batches []Batch
}

// convertAll converts a request and keeps what becomes of it.
func convertAll(body []byte, f Format, repo string) (c converted, err error) {
	c.Result, err = Convert(body, f, repo, func(batches []Batch) error {
		c.Batches = append(c.Batches, batches...)
		return nil
	})
	return c, err
}

func (l *log) add(batches []Batch) {
	if l.lines == nil {
		l.lines, l.seen = map[string][]fold.Line{}, map[string]bool{}
	}
	for _, b := range batches {
		l.stored++
		recv := time.Unix(int64(l.stored), 0)
		for i, line := range b.Lines {
			place := fmt.Sprint(b.Repo, b.Sender, b.First+uint64(i))
			if !l.seen[place] {
				l.seen[place] = true
				l.lines[b.Repo] = append(l.lines[b.Repo], fold.Line{Recv: recv, Spool: b.Sender, Seq: b.First + uint64(i), Text: line})
			}
		}
	}
}

// tree returns the tree below a trace, nil if there is none.
func (l *log) tree(repo, id string) *fold.Node {
	lines := slices.Clone(l.lines[repo])
	entities := slices.Collect(maps.Values(fold.Fold(repo, lines)))
	root, _, err := fold.Build(context.Background(), repo, fold.KeyOf(repo, protocol.Ref{Kind: protocol.Trace, ID: id}), entities, lines)
	if err != nil {
		panic(err) // never: the context does not end
	}
	return root
}

// outline is a tree as kinds, ids and names, and what hangs below.
func outline(n *fold.Node, depth int) string {
	if n == nil {
		return "nothing"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s %s %s\n", strings.Repeat("  ", depth), n.Kind, n.ID, n.Name)
	lines := []string{}
	for _, child := range n.Children {
		lines = append(lines, outline(child, depth+1))
	}
	slices.Sort(lines) // of children with the same start the order is nobody's
	return b.String() + strings.Join(lines, "")
}

// nodeWith returns the node with an id, an empty one if there is none.
func nodeWith(n *fold.Node, id string) *fold.Node {
	if n.ID == id {
		return n
	}
	for _, child := range n.Children {
		if found := nodeWith(child, id); found.ID == id {
			return found
		}
	}
	return &fold.Node{}
}

// sorted returns the names of an object's members in order.
func sorted(o map[string]any) []string { return slices.Sorted(maps.Keys(o)) }
