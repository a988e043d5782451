package diff

import (
	"cmp"
	"slices"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/protocol"
)

// maxCandidates limits the number of earlier generations that Previous examines.
const maxCandidates = 64

// Previous returns the generation of a trace that g is best compared with: of those that
// began before it, the one that has most of its first messages in common with g, and of
// several the latest. It looks at the last 64 before g, and returns nil if there are
// none. G is recognised by its id and need not be the trace's own node.
func Previous(trace, g *fold.Node) *fold.Node {
	candidates := before(trace, g)
	if len(candidates) > maxCandidates {
		candidates = candidates[len(candidates)-maxCandidates:]
	}
	sent := contents(conversation.Of(g).Sent)
	var best *fold.Node
	longest := -1
	for _, n := range slices.Backward(candidates) {
		if common := commonPrefix(conversation.Of(n).Sent, sent); common > longest {
			best, longest = n, common
		}
		if longest == len(sent) {
			break
		}
	}
	return best
}

func commonPrefix(messages []genai.Message, sent []content) int {
	n := 0
	for n < len(messages) && n < len(sent) && contentOf(&messages[n]) == sent[n] {
		n++
	}
	return n
}

// before returns the generations of a tree that began before g, in the order of their
// starts. Generations without a start count if they precede g in the tree.
func before(trace, g *fold.Node) []*fold.Node {
	var all []*fold.Node
	var add func(*fold.Node)
	add = func(n *fold.Node) {
		if n.Kind == protocol.Generation.String() {
			all = append(all, n)
		}
		for _, child := range n.Children {
			add(child)
		}
	}
	add(trace)
	slices.SortStableFunc(all, func(a, b *fold.Node) int {
		return cmp.Or(cmp.Compare(unknown(a), unknown(b)), a.Start.Compare(b.Start))
	})
	at := slices.IndexFunc(all, func(n *fold.Node) bool { return n.ID == g.ID })
	return all[:max(at, 0)]
}

// unknown sorts generations without a start after all others.
func unknown(n *fold.Node) int {
	if n.Start.IsZero() {
		return 1
	}
	return 0
}
