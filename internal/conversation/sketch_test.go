package conversation

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/wire"
)

// node returns a generation with messages and results, as fold makes one.
func node(messages, result string) *fold.Node {
	n := &fold.Node{Kind: "generation", ID: "g"}
	for m := range wire.Elements([]byte(messages)) {
		n.Messages = append(n.Messages, m)
	}
	if result != "" {
		n.Result = json.RawMessage(result)
	}
	return n
}

// sketch writes a conversation in short: a line for each part, those of answers behind ⇒.
func sketch(c Conversation) string {
	var b strings.Builder
	for _, m := range c.Sent {
		sketchMessage(&b, &m)
	}
	for _, a := range c.Answers {
		fmt.Fprintf(&b, "⇒ %d.%d %s\n", a.Attempt, a.Choice, a.Finish)
		sketchMessage(&b, &a.Message)
	}
	return b.String()
}

func sketchMessage(b *strings.Builder, m *genai.Message) {
	who := m.Role
	if m.Name != "" {
		who += "(" + m.Name + ")"
	}
	if len(m.Parts) == 0 {
		fmt.Fprintf(b, "%s: nothing\n", who)
	}
	for _, p := range m.Parts {
		fmt.Fprintf(b, "%s: %s\n", who, sketchPart(&p))
	}
}

func sketchPart(p *genai.Part) string {
	words := []string{string(p.Kind)}
	add := func(format string, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add("%q", p.Text)
	add("mime=%s", p.MIME)
	add("url=%s", p.URL)
	add("data=%s", p.Data)
	add("id=%s", p.CallID)
	add("tool=%s", p.Tool)
	add("args=%s", string(p.Arguments))
	add("result=%s", string(p.Result))
	if p.Failed {
		words = append(words, "failed")
	}
	if p.Pair > 0 {
		words = append(words, fmt.Sprintf("pair=%d", p.Pair))
	}
	if p.Unmatched {
		words = append(words, "unmatched")
	}
	if p.Kind == genai.PartOther {
		words = append(words, string(p.Raw))
	}
	return strings.Join(words, " ")
}

func wantSketch(t *testing.T, n *fold.Node, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(sketch(Of(n)))); diff != "" {
		t.Errorf("the conversation differs (-want +got):\n%s", diff)
	}
}
