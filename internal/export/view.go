package export

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/tree"
	"github.com/troupelog/troupe/pricing"
)

// view is a node as the formats for reading show it. All its text is clean.
type view struct {
	Kind, Title, Status string
	Facts               []fact
	Known               int    // number of messages at the beginning of the input that are left out
	KnownFrom           string // the previous generation, which has them
	Sent, Answers       []message
	Blocks              []block
}

// fact is a short value on one line.
type fact struct {
	Label string // from this package, not logged
	Of    string // the key of a tag
	Value string
}

// message is a message of a conversation, ready to show.
type message struct {
	Who    string // its role, and its speaker's name if it has one
	Blocks []block
}

// block is a text with a label, which may be "".
type block struct {
	Label string // from this package, not logged
	Of    string // the logged subject of the label, on one line
	JSON  bool
	Text  string
}

// minKnown is the least number of repeated messages that is worth leaving out.
const minKnown = 2

// reader builds views of successive nodes. A generation's input often repeats the input and
// answer of the previous one; its view shows only the new messages.
type reader struct {
	history []genai.Message
	id      string // id of the generation whose history this is
}

func (r *reader) view(n *fold.Node) view {
	v := view{Kind: line(n.Kind), Title: line(title(n)), Status: line(n.Status), Facts: facts(n)}
	sent := false
	if n.Kind == protocol.Generation.String() {
		c := conversation.Of(n)
		sent = len(c.Sent) > 0
		if known := genai.CommonPrefix(r.history, c.Sent); known >= minKnown {
			v.Known, v.KnownFrom = known, r.id
		}
		r.history, r.id = c.History(), line(n.ID)
		for i := v.Known; i < len(c.Sent); i++ {
			v.Sent = append(v.Sent, messageOf(&c.Sent[i]))
		}
		for i := range c.Answers {
			v.Answers = append(v.Answers, answerOf(&c.Answers[i], c.Last()))
		}
	}
	v.Blocks = blocksOf(n, sent, len(v.Answers) > 0)
	return v
}

// title returns the name of a node, else its model or id.
func title(n *fold.Node) string {
	switch {
	case n.Name != "":
		return n.Name
	case n.Model != "":
		return n.Model
	default:
		return n.ID
	}
}

func facts(n *fold.Node) []fact {
	var all []fact
	add := func(label, value string) {
		if value = line(value); value != "" {
			all = append(all, fact{Label: label, Value: value})
		}
	}
	add("status", n.Status)
	add("id", n.ID)
	add("session", n.SessionID)
	add("model", n.Model)
	if n.Provider != "unknown" {
		add("provider", n.Provider)
	}
	add("started", stamp(n.Start))
	if !n.Start.IsZero() && !n.End.IsZero() {
		add("took", tree.Duration(max(n.End.Sub(n.Start), 0)))
	}
	add("times", tree.Skew(n.Start, n.End))
	sum := totalsOf(n)
	add("used", tree.Tokens(sum.usage))
	add("cost", sum.price())
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		all = append(all, fact{"tag", line(key), line(string(jsonscan.Unwrap(n.Tags[key])))})
	}
	return all
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// totals are the sums over the generations in a node.
type totals struct {
	usage       pricing.Usage
	cost        pricing.Cost
	generations int
	unpriced    int
}

// totalsOf adds up the generations in a node. If there are none, it returns the node's own
// values.
func totalsOf(n *fold.Node) totals {
	var t totals
	walk(n, func(n *fold.Node) {
		if n.Kind == protocol.Generation.String() {
			t.add(n)
		}
	})
	if t.generations == 0 {
		t.add(n)
	}
	return t
}

func (t *totals) add(n *fold.Node) {
	t.generations++
	t.usage.Add(n.Usage)
	t.cost.Add(n.Cost)
	if n.Unpriced {
		t.unpriced++
	}
}

// price returns the full cost, or its lower bound if some prices are unknown.
func (t *totals) price() string {
	switch {
	case t.unpriced > 0 && t.cost.Total == 0:
		return "unpriced"
	case t.unpriced > 0:
		return fmt.Sprintf("≥ $%s (%d unpriced)", t.cost.Total, t.unpriced)
	case t.cost.Total != 0:
		return "$" + t.cost.Total.String()
	}
	return ""
}

func walk(n *fold.Node, do func(*fold.Node)) {
	do(n)
	for _, child := range n.Children {
		walk(child, do)
	}
}

// blocksOf returns the bodies of a node. It omits messages and results that the conversation
// shows.
func blocksOf(n *fold.Node, sent, answered bool) []block {
	var all []block
	add := func(label string, raw json.RawMessage) {
		if b := jsonBlock(label, "", raw); b.Text != "" && b.Text != "null" {
			all = append(all, b)
		}
	}
	addAll := func(label string, values []json.RawMessage) {
		for _, raw := range values {
			add(label, raw)
		}
	}
	addMap := func(label string, values map[string]json.RawMessage) {
		if raw, err := json.Marshal(values); err == nil && len(values) > 0 {
			add(label, raw)
		}
	}
	if n.Description != "" {
		all = append(all, block{Label: "description", Text: clean(n.Description)})
	}
	addMap("parameters", n.Parameters)
	if !sent || len(n.Messages) > 0 {
		add("input", n.Input)
	}
	if !sent {
		addAll("message", n.Messages)
	}
	add("arguments", n.Args)
	if !answered || n.Result != nil {
		add("output", n.Output)
	}
	if !answered {
		add("result", n.Result)
		addAll("earlier result", n.Attempts)
	}
	add("documents", n.Docs)
	add("error type", n.ErrorType)
	add("code", n.Code)
	add("message", n.Message)
	add("error", n.Error)
	addMap("metadata", n.Metadata)
	addMap("metrics", n.Metrics)
	addAll("event", n.Events)
	addAll("feedback", n.Feedback)
	addAll("evaluation", n.Evaluations)
	addAll("attachment", n.Attachments)
	addMap("other", n.Other)
	return all
}

func jsonBlock(label, of string, raw json.RawMessage) block {
	raw = jsonscan.Unwrap(raw)
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		var b bytes.Buffer
		if json.Indent(&b, raw, "", "  ") == nil {
			return block{label, of, true, clean(b.String())}
		}
	}
	return block{label, of, false, clean(string(raw))}
}

func messageOf(m *genai.Message) message {
	shown := message{Who: line(strings.TrimSpace(m.Role + " " + m.Name))}
	for i := range m.Parts {
		shown.Blocks = append(shown.Blocks, partBlock(&m.Parts[i]))
	}
	if len(m.Parts) == 0 && m.Raw != nil {
		shown.Blocks = append(shown.Blocks, jsonBlock("", "", m.Raw))
	}
	return shown
}

func answerOf(a, last *conversation.Answer) message {
	shown := messageOf(&a.Message)
	if a.Attempt < last.Attempt {
		shown.Who += fmt.Sprintf(", attempt %d", a.Attempt+1)
	}
	if a.Choice > 0 {
		shown.Who += fmt.Sprintf(", choice %d", a.Choice+1)
	}
	if a.Finish != "" {
		shown.Who += ", finished by " + line(a.Finish)
	}
	return shown
}

func partBlock(p *genai.Part) block {
	switch p.Kind {
	case genai.PartText:
		return block{Text: clean(p.Text)}
	case genai.PartImage, genai.PartAudio, genai.PartFile:
		label := string(p.Kind)
		if p.Data != "" {
			label += fmt.Sprintf(" of %d characters of base64", len(p.Data))
		}
		return block{Label: label, Of: line(p.MIME), Text: clean(strings.TrimSpace(p.URL + "\n" + p.Text))}
	case genai.PartToolCall:
		return jsonBlock("call of", line(p.Tool+" "+p.CallID), p.Arguments)
	case genai.PartToolResult:
		label := "result of"
		if p.Failed {
			label = "failure of"
		}
		if p.Result != nil {
			return jsonBlock(label, line(p.Tool+" "+p.CallID), p.Result)
		}
		return block{Label: label, Of: line(p.Tool + " " + p.CallID), Text: clean(p.Text)}
	case genai.PartOther:
		return jsonBlock(string(p.Kind), "", p.Raw)
	default:
		return block{Label: string(p.Kind), Text: clean(p.Text)}
	}
}

// each calls do for a node and everything below it, and done after all nodes below have been
// visited. It stops when the context ends.
func each(ctx context.Context, n *fold.Node, depth int, do func(n *fold.Node, depth int) error, done func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := do(n, depth); err != nil {
		return err
	}
	for _, child := range n.Children {
		if err := each(ctx, child, depth+1, do, done); err != nil {
			return err
		}
	}
	return done()
}
