package genai

import (
	"encoding/json"
	"maps"
)

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
func fromAnthropic(raw []byte, usage json.RawMessage) (*Chat, bool) {
	var w struct {
		ID         string            `json:"id"`
		Model      string            `json:"model"`
		StopReason string            `json:"stop_reason"`
		Content    []json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return nil, false
	}
	c := ChatChoice{FinishReason: finishReason(w.StopReason, anthropicReasons)}
	for _, block := range w.Content {
		if !addAnthropicBlock(&c.Message, block) {
			return nil, false
		}
	}
	return &Chat{
		ID: w.ID, Model: w.Model, Choices: []ChatChoice{c}, Usage: usageFrom(usage),
	}, true
}

// addAnthropicBlock adds a block of the content to a message. It reports false for a block that
// is not an object of the API's, so that the result is logged as given.
func addAnthropicBlock(m *ChatMessage, block json.RawMessage) bool {
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
		m.AddText(w.Text)
	case "thinking":
		m.Reasoning += w.Thinking
	case "redacted_thinking": // nobody but Anthropic can read it
	case "tool_use":
		m.addCall(w.ID, w.Name, w.Input)
	default:
		m.AddPart(block)
	}
	return true
}

// anthropicAssembler assembles the stream of a message, see
// https://docs.anthropic.com/en/docs/build-with-claude/streaming:
//
//	message_start         the message without content, with the usage of the prompt
//	content_block_start   a block without its text
//	content_block_delta   a piece of text, of a thought, or of the JSON of an input
//	message_delta         the reason to stop, and the usage so far
//	message_stop          the end
//	error                 the error, after which nothing follows
//
// Members that it does not know stay in the message and in the blocks as they were. Counts
// of the usage are cumulative, so the last value of each name counts. The usage is kept in
// Anthropic's names: Normalize brings the whole message into the form that is logged.
type anthropicAssembler struct {
	*Budget
	message map[string]json.RawMessage // as it began, then with its end; nil before
	usage   map[string]json.RawMessage
	blocks  pieces[blockStreamed]
	done    bool
	err     json.RawMessage
}

// blockStreamed is a block of content: its members at the start, and the pieces since. At
// most one of the three texts grows, by the type of the block.
type blockStreamed struct {
	begun                map[string]json.RawMessage
	text, thought, input []byte
}

func (a *anthropicAssembler) Add(_ string, data []byte) {
	var event struct {
		Type    string                     `json:"type"`
		Message map[string]json.RawMessage `json:"message"`
		Index   int                        `json:"index"`
		Block   json.RawMessage            `json:"content_block"`
		Delta   json.RawMessage            `json:"delta"`
		Usage   map[string]json.RawMessage `json:"usage"`
		Error   json.RawMessage            `json:"error"`
	}
	if !decode(data, &event) {
		return
	}
	switch event.Type {
	case "message_start":
		a.message = event.Message
		var usage map[string]json.RawMessage
		if decode(event.Message["usage"], &usage) {
			a.count(usage)
		}
	case "content_block_start":
		if block := a.blocks.at(event.Index, a.Budget); block != nil {
			decode(a.raw(event.Block), &block.begun)
		}
	case "content_block_delta":
		if block := a.blocks.at(event.Index, a.Budget); block != nil {
			a.delta(block, event.Delta)
		}
	case "message_delta":
		var end map[string]json.RawMessage
		if decode(event.Delta, &end) {
			a.end(end)
		}
		a.count(event.Usage)
	case "message_stop":
		a.done = true
	case "error":
		a.err = event.Error
	}
}

// delta appends a piece to a block. The type of the delta is not needed: each has a single
// member of text.
func (a *anthropicAssembler) delta(block *blockStreamed, raw json.RawMessage) {
	var d struct {
		Text     string `json:"text"`
		Thinking string `json:"thinking"`
		Partial  string `json:"partial_json"`
	}
	if decode(raw, &d) {
		a.text(&block.text, d.Text)
		a.text(&block.thought, d.Thinking)
		a.text(&block.input, d.Partial)
	}
}

// end takes the members that come at the end, such as stop_reason. A stream whose
// beginning was too long has no message yet; the end is kept all the same.
func (a *anthropicAssembler) end(members map[string]json.RawMessage) {
	if a.message == nil {
		a.message = map[string]json.RawMessage{}
	}
	maps.Copy(a.message, members)
}

// count takes counts of tokens. Null counts, which some gateways send, replace nothing.
func (a *anthropicAssembler) count(usage map[string]json.RawMessage) {
	if a.usage == nil {
		a.usage = map[string]json.RawMessage{}
	}
	for name, n := range usage {
		if given(n) {
			a.usage[name] = n
		}
	}
}

func (a *anthropicAssembler) Complete() bool { return a.done }

func (a *anthropicAssembler) Failure() *Failure {
	if !given(a.err) {
		return nil
	}
	d := ReadFailure(a.err)
	return &d
}

func (a *anthropicAssembler) Result() []byte {
	if a.message == nil {
		return nil
	}
	out := maps.Clone(a.message)
	content := []json.RawMessage{}
	for _, block := range a.blocks.ordered() {
		content = append(content, block.encoded())
	}
	out["content"] = encode(content)
	if len(a.usage) > 0 {
		out["usage"] = encode(a.usage)
	}
	return encode(out)
}

// encoded returns the block as far as it came. An input that was cut off is no JSON: it is
// kept as a string, so that nothing is lost.
func (b *blockStreamed) encoded() json.RawMessage {
	block := maps.Clone(b.begun)
	if block == nil {
		block = map[string]json.RawMessage{}
	}
	switch {
	case b.input != nil:
		// Half of the input is no JSON.
		if block["input"] = b.input; !json.Valid(b.input) {
			block["input"] = encode(string(b.input))
		}
	case b.thought != nil:
		block["thinking"] = encode(string(b.thought))
	case b.text != nil:
		block["text"] = encode(string(b.text))
	}
	if _, known := block["type"]; !known {
		block["type"] = json.RawMessage(`"text"`)
	}
	return encode(block)
}
