package export

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
)

// Attribute is an attribute of a [Span] or [SpanEvent].
type Attribute struct {
	Key   string
	Value any // string, int64, float64, bool or []string
}

// attributes collects attributes, each key once.
type attributes []Attribute

// text adds a text unless it is empty.
func (a *attributes) text(key, value string) {
	if value != "" {
		*a = append(*a, Attribute{key, value})
	}
}

// json adds the text of a JSON string, or the JSON of any other value. It ignores null.
func (a *attributes) json(key string, raw json.RawMessage) {
	if string(raw) != "null" {
		a.text(key, string(jsonscan.Unwrap(raw)))
	}
}

// count adds a number unless it is 0.
func (a *attributes) count(key string, n int64) {
	if n != 0 {
		*a = append(*a, Attribute{key, n})
	}
}

// texts adds texts, if there are any.
func (a *attributes) texts(key string, texts []string) {
	if len(texts) > 0 {
		*a = append(*a, Attribute{key, texts})
	}
}

func (a *attributes) values(key string, values []json.RawMessage) {
	var texts []string
	for _, raw := range values {
		texts = append(texts, string(jsonscan.Unwrap(raw)))
	}
	a.texts(key, texts)
}

// members adds each member of a map under the prefix and its key.
func (a *attributes) members(prefix string, of map[string]json.RawMessage) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		a.json(prefix+key, of[key])
	}
}

// double adds a text that is a number, and reports whether it is one.
func (a *attributes) double(key, text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	*a = append(*a, Attribute{key, f})
	return true
}

// whole adds a text that is a whole number, and reports whether it is one.
func (a *attributes) whole(key, text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	*a = append(*a, Attribute{key, n})
	return true
}

// attributesOf returns the attributes of a node's span.
func attributesOf(n *fold.Node, conversation string) attributes {
	var a attributes
	a.text("troupe.kind", n.Kind)
	a.text("troupe.id", n.ID)
	a.text("troupe.name", n.Name)
	if n.Status == "open" {
		a = append(a, Attribute{"troupe.open", true})
	}
	a.text("gen_ai.conversation.id", conversation)
	switch n.Kind {
	case protocol.Generation.String():
		a.generation(n)
	case protocol.ToolCall.String():
		a.toolCall(n)
	case protocol.Retrieval.String():
		a.text("gen_ai.operation.name", "retrieval")
		a.json("input.value", n.Input)
		a.json("output.value", n.Docs)
	default:
		a.json("input.value", n.Input)
		a.json("output.value", n.Output)
	}
	if n.Status == "error" {
		a.text("error.type", failureOf(n).kind)
	}
	if n.Cost.Total != 0 {
		a.double("llm.cost.total", n.Cost.Total.String())
	}
	a.members("troupe.tag.", n.Tags)
	a.members("troupe.metadata.", n.Metadata)
	a.members("troupe.metric.", n.Metrics)
	a.members("troupe.other.", n.Other)
	a.values("troupe.feedback", n.Feedback)
	a.values("troupe.evaluation", n.Evaluations)
	a.values("troupe.attachment", n.Attachments)
	return a
}

func (a *attributes) toolCall(n *fold.Node) {
	a.text("gen_ai.operation.name", "execute_tool")
	a.text("gen_ai.tool.name", n.Name)
	a.text("gen_ai.tool.call.id", n.ID)
	a.text("gen_ai.tool.type", "function")
	a.text("gen_ai.tool.description", n.Description)
	a.json("gen_ai.tool.call.arguments", n.Args)
	a.json("gen_ai.tool.call.result", n.Result)
}
