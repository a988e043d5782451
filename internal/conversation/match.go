package conversation

import "github.com/troupelog/troupe/internal/genai"

// parts returns all tool calls and tool results in order: first the parts that were sent,
// then the parts of the answers.
func (c *Conversation) parts() []*genai.Part {
	found := toolParts(nil, c.Sent)
	for i := range c.Answers {
		found = toolParts(found, []genai.Message{c.Answers[i].Message})
	}
	return found
}

// toolParts appends pointers to the tool calls and results in messages, so that pairing
// them changes the messages themselves.
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

// match pairs calls with their results. A result with an id pairs by id, one that names a
// tool with the oldest open call of the tool, and any other with the oldest open call.
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

// matcher holds the calls without a result. Each is in all three lists; a list drops a call
// that was paired through another list once it comes across it.
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

// oldest returns the first unpaired call, and the list without it and the paired calls before
// it. It returns nil if anonymous is set and that call has an id.
func oldest(calls []*genai.Part, anonymous bool) (*genai.Part, []*genai.Part) {
	for len(calls) > 0 && calls[0].Pair != 0 {
		calls = calls[1:]
	}
	if len(calls) == 0 || anonymous && calls[0].CallID != "" {
		return nil, calls
	}
	return calls[0], calls[1:]
}
