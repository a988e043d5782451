package genai

import "encoding/json"

// bedrockReasons are the reasons of Converse that OpenAI has a name for.
var bedrockReasons = map[string]string{
	"end_turn":                      stopped,
	"stop_sequence":                 stopped,
	"max_tokens":                    tooLong,
	"model_context_window_exceeded": tooLong,
	"tool_use":                      callsTool,
	"guardrail_intervened":          filtered,
	"content_filtered":              filtered,
}

// bedrockMessage is the message in a Converse output.
type bedrockMessage struct {
	Content []json.RawMessage `json:"content"`
}

// fromBedrock makes a chat completion of a Converse answer. The Go SDK's structs
// have a capitalised name for every member, and hold the chosen member of a union
// as Value.
func fromBedrock(raw []byte, usage json.RawMessage) (*Chat, bool) {
	var w struct {
		Output struct {
			Message *bedrockMessage `json:"message"`
			Value   *bedrockMessage `json:"value"`
		} `json:"output"`
		StopReason string `json:"stopReason"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return nil, false
	}
	m := w.Output.Message
	if m == nil {
		m = w.Output.Value
	}
	if m == nil || m.Content == nil {
		return nil, false
	}
	c := ChatChoice{FinishReason: finishReason(w.StopReason, bedrockReasons)}
	for _, block := range m.Content {
		if !addBedrockBlock(&c.Message, block) {
			return nil, false
		}
	}
	return &Chat{Choices: []ChatChoice{c}, Usage: usageFrom(usage)}, true
}

// bedrockToolUse is a tool call. encoding/json matches its names without regard to case, so it
// reads the REST form and the Go SDK's struct.
type bedrockToolUse struct {
	ID    string          `json:"toolUseId"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

// addBedrockBlock adds a block of the content to a message. The REST API names the kind of a
// block by its only member.
func addBedrockBlock(m *ChatMessage, block json.RawMessage) bool {
	var w struct {
		Text      *string         `json:"text"`
		ToolUse   *bedrockToolUse `json:"toolUse"`
		Reasoning *struct {
			Text *struct {
				Text string `json:"text"`
			} `json:"reasoningText"`
		} `json:"reasoningContent"`
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal(block, &w) != nil {
		return false
	}
	switch {
	case w.Text != nil:
		m.AddText(*w.Text)
	case w.ToolUse != nil:
		m.addCall(w.ToolUse.ID, w.ToolUse.Name, w.ToolUse.Input)
	case w.Reasoning != nil:
		if w.Reasoning.Text != nil {
			m.Reasoning += w.Reasoning.Text.Text
		}
	case given(w.Value):
		addBedrockValue(m, block, w.Value)
	default:
		m.AddPart(block)
	}
	return true
}

// addBedrockValue adds a block of the Go SDK. The SDK has no type names in its JSON, so the
// members of Value decide: a string is text, an object with a ToolUseId and an Input is a
// call, and a union within the union is a thought.
func addBedrockValue(m *ChatMessage, block, value json.RawMessage) {
	var said string
	if json.Unmarshal(value, &said) == nil {
		m.AddText(said)
		return
	}
	var w struct {
		bedrockToolUse
		Thought json.RawMessage `json:"value"`
	}
	if json.Unmarshal(value, &w) != nil {
		m.AddPart(block)
		return
	}
	switch {
	case w.ID != "" && w.Input != nil:
		m.addCall(w.ID, w.Name, w.Input)
	case given(w.Thought):
		addBedrockThought(m, block, w.Thought)
	default:
		m.AddPart(block)
	}
}

// addBedrockThought adds a thought of the Go SDK. Text is the only member that can be read.
func addBedrockThought(m *ChatMessage, block, thought json.RawMessage) {
	var w struct {
		Text *string `json:"text"`
	}
	switch {
	case thought[0] == byte(kindText): // redacted: nobody but the provider can read it
	case json.Unmarshal(thought, &w) == nil && w.Text != nil:
		m.Reasoning += *w.Text
	default:
		m.AddPart(block)
	}
}
