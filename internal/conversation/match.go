package conversation

import "github.com/troupelog/troupe/internal/genai"

// parts returns all calls and results of tools, in order: those sent, then those of the
// answers.
func (c *Conversation) parts() []*genai.Part {
	found := toolParts(nil, c.Sent)
	for i := range c.Answers {
		found = toolParts(found, []genai.Message{c.Answers[i].Message})
	}
	return found
}

func toolParts(found []*genai.Part, messages []genai.Message) []*genai.Part {
	for _, m := range messages {
		for i := range m.Parts {
			if p := &m.Parts[i]; p.Kind == genai.PartToolCall || p.Kind == genai.PartToolResult {
				found = append(found, p)
			}
		}
	}
	return found
}

// match pairs calls with their results: by id where the result has one, else with the
// oldest open call of the tool, else, where the result names none, with the oldest open
// call.
func (c *Conversation) match() {
	m := matcher{byID: map[string][]*genai.Part{}, byTool: map[string][]*genai.Part{}}
	sent := toolParts(nil, c.Sent)
	for _, p := range c.parts() {
		m.add(p)
	}
	for _, p := range sent {
		p.Unmatched = p.Pair == 0
	}
	for _, p := range c.parts()[len(sent):] {
		p.Unmatched = p.Pair == 0 && p.Kind == genai.PartToolResult
	}
}

// matcher holds the calls that have no result yet; each is in all three lists, and
// leaves them when it is found paired there.
type matcher struct {
	byID, byTool map[string][]*genai.Part
	all          []*genai.Part
	pairs        int
}

func (m *matcher) add(p *genai.Part) {
	if p.Kind == genai.PartToolCall {
		if p.CallID != "" {
			m.byID[p.CallID] = append(m.byID[p.CallID], p)
		}
		m.byTool[p.Tool] = append(m.byTool[p.Tool], p)
		m.all = append(m.all, p)
		return
	}
	var call *genai.Part
	switch {
	case p.CallID != "":
		call, m.byID[p.CallID] = oldest(m.byID[p.CallID], false)
		if call == nil && p.Tool != "" {
			call, m.byTool[p.Tool] = oldest(m.byTool[p.Tool], true)
		}
	case p.Tool != "":
		call, m.byTool[p.Tool] = oldest(m.byTool[p.Tool], false)
	default:
		call, m.all = oldest(m.all, false)
	}
	if call == nil {
		return
	}
	m.pairs++
	call.Pair, p.Pair = m.pairs, m.pairs
	if p.Tool == "" {
		p.Tool = call.Tool
	}
}

// oldest returns the first call that is not paired, none if that has an id and is asked
// for without, and the list without it and what is paired before it.
func oldest(calls []*genai.Part, anonymous bool) (*genai.Part, []*genai.Part) {
	for len(calls) > 0 && calls[0].Pair != 0 {
		calls = calls[1:]
	}
	if len(calls) == 0 || anonymous && calls[0].CallID != "" {
		return nil, calls
	}
	return calls[0], calls[1:]
}
