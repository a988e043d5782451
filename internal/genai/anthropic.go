package genai

import "encoding/json"

// anthropicReasons are the reasons of the Messages API that OpenAI has a name for.
var anthropicReasons = map[string]string{
	"end_turn":                      stopped,
	"stop_sequence":                 stopped,
	"max_tokens":                    tooLong,
	"model_context_window_exceeded": tooLong,
	"tool_use":                      callsTool,
	"refusal":                       filtered,
}

// fromAnthropic makes a chat completion of a message of the Messages API.
func fromAnthropic(raw []byte, usage json.RawMessage) (*chatCompletion, bool) {
	var w struct {
		ID         string            `json:"id"`
		Model      string            `json:"model"`
		StopReason string            `json:"stop_reason"`
		Content    []json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return nil, false
	}
	c := choice{FinishReason: finishReason(w.StopReason, anthropicReasons)}
	for _, block := range w.Content {
		if !addAnthropicBlock(&c.Message, block) {
			return nil, false
		}
	}
	return &chatCompletion{
		ID: w.ID, Model: w.Model, Choices: []choice{c}, Usage: usageFrom(usage),
	}, true
}

func addAnthropicBlock(m *message, block json.RawMessage) bool {
	var w struct {
		Type     string          `json:"type"`
		Text     string          `json:"text"`
		Thinking string          `json:"thinking"`
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Input    json.RawMessage `json:"input"`
	}
	if json.Unmarshal(block, &w) != nil {
		return false
	}
	switch w.Type {
	case "text":
		m.addText(w.Text)
	case "thinking":
		m.Reasoning += w.Thinking
	case "redacted_thinking": // nobody but Anthropic can read it
	case "tool_use":
		m.addCall(w.ID, w.Name, w.Input)
	default:
		m.addOther(block)
	}
	return true
}
