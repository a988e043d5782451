package llm

import (
	"encoding/json"

	"github.com/troupelog/troupe/logger"
)

// geminiAnswer gathers the stream of an answer of Gemini, each of whose pieces has the
// form of the whole.
type geminiAnswer struct {
	*budget
	head       map[string]json.RawMessage // but for the candidates
	candidates pieces[candidateStreamed]
}

// candidateStreamed is a candidate that is streamed.
type candidateStreamed struct {
	parts  []partStreamed
	others map[string]json.RawMessage // finishReason and the like
}

// partStreamed is a part of the content: a text that grows, or any other.
type partStreamed struct {
	text    []byte
	thought bool
	other   json.RawMessage // nil for a text
}

func (g *geminiAnswer) add(_ string, data []byte) {
	var piece map[string]json.RawMessage
	if !decode(data, &piece) {
		return
	}
	if g.head == nil {
		g.head = map[string]json.RawMessage{}
	}
	for name, value := range piece {
		if name != "candidates" && given(value) && len(g.head) < maxPieces {
			g.head[name] = value
		}
	}
	var candidates []map[string]json.RawMessage
	decode(piece["candidates"], &candidates)
	for i, raw := range candidates {
		index := i
		decode(raw["index"], &index)
		if c := g.candidates.at(index, g.budget); c != nil {
			g.candidate(c, raw)
		}
	}
}

func (g *geminiAnswer) candidate(c *candidateStreamed, raw map[string]json.RawMessage) {
	if c.others == nil {
		c.others = map[string]json.RawMessage{}
	}
	for name, value := range raw {
		if name != "content" && given(value) && len(c.others) < maxPieces {
			c.others[name] = value
		}
	}
	var content struct {
		Parts []json.RawMessage `json:"parts"`
	}
	decode(raw["content"], &content)
	for _, part := range content.Parts {
		g.part(c, part)
	}
}

func (g *geminiAnswer) part(c *candidateStreamed, raw json.RawMessage) {
	var p struct {
		Text    *string `json:"text"`
		Thought bool    `json:"thought"`
	}
	decode(raw, &p)
	last := len(c.parts) - 1
	switch continues := last >= 0 && c.parts[last].other == nil && c.parts[last].thought == p.Thought; {
	case p.Text != nil && *p.Text == "":
		return
	case p.Text != nil && continues:
		g.text(&c.parts[last].text, *p.Text)
		return
	case len(c.parts) >= maxPieces:
		g.cut = true
		return
	case p.Text != nil:
		c.parts = append(c.parts, partStreamed{thought: p.Thought})
		g.text(&c.parts[last+1].text, *p.Text)
		return
	}
	if kept := g.raw(raw); kept != nil {
		g.began = true
		c.parts = append(c.parts, partStreamed{other: kept})
	}
}

// complete is true if every candidate has a reason to stop, or the prompt was blocked:
// there is no last event.
func (g *geminiAnswer) complete() bool {
	for _, c := range g.candidates {
		if !given(c.others["finishReason"]) {
			return false
		}
	}
	return len(g.candidates) > 0 || given(g.head["promptFeedback"])
}

func (g *geminiAnswer) failure() *logger.Failure {
	if !given(g.head["error"]) {
		return nil
	}
	d := providerError(g.head["error"])
	return &d
}

func (g *geminiAnswer) result() []byte {
	if g.head == nil {
		return nil
	}
	out := map[string]any{}
	for name, value := range g.head {
		if name != "error" {
			out[name] = value
		}
	}
	candidates := []any{}
	for _, c := range g.candidates.ordered() {
		whole := map[string]any{}
		for name, value := range c.others {
			whole[name] = value
		}
		whole["content"] = map[string]any{"role": "model", "parts": c.encoded()}
		candidates = append(candidates, whole)
	}
	out["candidates"] = candidates
	return encode(out)
}

func (c *candidateStreamed) encoded() []any {
	parts := []any{}
	for _, p := range c.parts {
		switch {
		case p.other != nil:
			parts = append(parts, p.other)
		case p.thought:
			parts = append(parts, map[string]any{"text": string(p.text), "thought": true})
		default:
			parts = append(parts, map[string]any{"text": string(p.text)})
		}
	}
	return parts
}
