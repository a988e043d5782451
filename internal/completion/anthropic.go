package completion

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
		ID: w.ID, Model: w.Model, Choices: []choice{c}, Usage: anthropicUsage(usage),
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

// anthropicUsage reads a usage whose input_tokens leave the cache out.
func anthropicUsage(raw json.RawMessage) *tokenCounts {
	var w struct {
		Input   count `json:"input_tokens"`
		Output  count `json:"output_tokens"`
		Read    count `json:"cache_read_input_tokens"`
		Written count `json:"cache_creation_input_tokens"`
	}
	if !given(raw) || decodeLeniently(raw, &w) != nil {
		return nil
	}
	return cachingUsage(w.Input, w.Output, 0, w.Read, w.Written)
}

// cachingUsage counts tokens that were read from or written to a cache as input.
func cachingUsage(input, output, total, read, written count) *tokenCounts {
	u := Usage{
		Input:  input.tokens() + read.tokens() + written.tokens(),
		Output: output.tokens(),
		Total:  total.tokens(),
		Cached: read.tokens(),
	}
	return newTokenCounts(u.summed(), written.tokens())
}
