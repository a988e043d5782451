package genai

import (
	"encoding/json"
)

// endOfStream is the data of the last event in a stream of chat and text completions. It is
// not JSON.
const endOfStream = "[DONE]"

// streamHead holds the members that every piece of an OpenAI stream repeats. Gateways set some
// of them late, so the last value that is given counts.
type streamHead struct {
	ID                string          `json:"id"`
	Created           json.RawMessage `json:"created"`
	Model             string          `json:"model"`
	SystemFingerprint string          `json:"system_fingerprint"`
	ServiceTier       string          `json:"service_tier"`
	Usage             json.RawMessage `json:"usage"`
	Error             json.RawMessage `json:"error"`
}

// merge takes the members that a later piece gives.
func (h *streamHead) merge(of streamHead) {
	for _, m := range []struct{ to, from *string }{
		{&h.ID, &of.ID}, {&h.Model, &of.Model}, {&h.SystemFingerprint, &of.SystemFingerprint}, {&h.ServiceTier, &of.ServiceTier},
	} {
		if *m.from != "" {
			*m.to = *m.from
		}
	}
	for _, m := range []struct{ to, from *json.RawMessage }{
		{&h.Created, &of.Created}, {&h.Usage, &of.Usage}, {&h.Error, &of.Error},
	} {
		if given(*m.from) {
			*m.to = *m.from
		}
	}
}

// failure returns the error in a piece, or nil if there was none.
func (h *streamHead) failure() *Failure {
	if !given(h.Error) {
		return nil
	}
	d := ReadFailure(h.Error)
	return &d
}

// chatAssembler assembles the stream of a chat completion, see
// https://platform.openai.com/docs/api-reference/chat-streaming. Many providers speak it:
// thoughts come as reasoning_content from DeepSeek and vLLM, as reasoning from OpenRouter.
// The usage comes last, in a piece without choices, if the request asked for it.
//
// A piece of a tool call belongs to the call with its index. Without an index, its place in
// the list of its piece counts; a name and arguments are appended, an id and a type replace
// those before.
type chatAssembler struct {
	*Budget
	head    streamHead
	choices pieces[chatStreamed]
	done    bool
}

// chatStreamed is a choice that is streamed.
type chatStreamed struct {
	index                       int
	content, refusal, reasoning []byte
	calls                       pieces[callStreamed]
	finish                      *string
}

// callStreamed is a call of a tool that is streamed.
type callStreamed struct {
	id, kind        string
	name, arguments []byte
}

// chatDelta is a piece of a choice.
type chatDelta struct {
	Content          string `json:"content"`
	Refusal          string `json:"refusal"`
	ReasoningContent string `json:"reasoning_content"` // of DeepSeek, vLLM and others
	Reasoning        string `json:"reasoning"`         // of OpenRouter and Ollama
	ToolCalls        []struct {
		Index    *int   `json:"index"`
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (c *chatAssembler) Add(_ string, data []byte) {
	if string(data) == endOfStream {
		c.done = true
		return
	}
	var piece struct {
		streamHead
		Choices []struct {
			Index        int       `json:"index"`
			Delta        chatDelta `json:"delta"`
			FinishReason *string   `json:"finish_reason"`
		} `json:"choices"`
	}
	if !decode(data, &piece) {
		return
	}
	c.head.merge(piece.streamHead)
	for _, of := range piece.Choices {
		choice := c.choices.at(of.Index, c.Budget)
		if choice == nil {
			continue
		}
		choice.index = of.Index
		c.delta(choice, of.Delta)
		if of.FinishReason != nil {
			choice.finish = of.FinishReason
		}
	}
}

// delta appends a piece to a choice. Gateways repeat a thought under both of its names: the
// first counts.
func (c *chatAssembler) delta(to *chatStreamed, d chatDelta) {
	c.text(&to.content, d.Content)
	c.text(&to.refusal, d.Refusal)
	c.text(&to.reasoning, d.ReasoningContent)
	if d.ReasoningContent == "" {
		c.text(&to.reasoning, d.Reasoning)
	}
	for i, of := range d.ToolCalls {
		if of.Index != nil {
			i = *of.Index
		}
		call := to.calls.at(i, c.Budget)
		if call == nil {
			continue
		}
		if of.ID != "" {
			call.id = of.ID
		}
		if of.Type != "" {
			call.kind = of.Type
		}
		c.text(&call.name, of.Function.Name)
		c.text(&call.arguments, of.Function.Arguments)
	}
}

// complete is also true without the last event where every choice has a reason to stop:
// some servers leave it out.
func (c *chatAssembler) Complete() bool {
	if c.done {
		return true
	}
	for _, choice := range c.choices {
		if choice.finish == nil {
			return false
		}
	}
	return len(c.choices) > 0
}

func (c *chatAssembler) Failure() *Failure { return c.head.failure() }

func (c *chatAssembler) Result() []byte {
	if len(c.choices) == 0 && !c.done {
		return nil
	}
	out := c.head.completion()
	for _, choice := range c.choices.ordered() {
		m := ChatMessage{Role: "assistant", Refusal: string(choice.refusal), Reasoning: string(choice.reasoning)}
		if choice.content != nil {
			m.AddText(string(choice.content))
		}
		for _, of := range choice.calls.ordered() {
			call := ChatCall{ID: of.id, Type: of.kind}
			if call.Type == "" {
				call.Type = "function"
			}
			call.Function.Name, call.Function.Arguments = string(of.name), string(of.arguments)
			m.ToolCalls = append(m.ToolCalls, call)
		}
		out.Choices = append(out.Choices, ChatChoice{Index: choice.index, Message: m, FinishReason: choice.finish})
	}
	return encode(out)
}

// completion returns a chat completion without choices.
func (h *streamHead) completion() Chat {
	return Chat{
		ID: h.ID, Object: "chat.completion", Created: h.Created, Model: h.Model, Usage: h.Usage,
		SystemFingerprint: h.SystemFingerprint, ServiceTier: h.ServiceTier, Choices: []ChatChoice{},
	}
}

// completionAssembler assembles the stream of a text completion, OpenAI's legacy API. Its
// result has the form of the API, not the form of a chat completion.
type completionAssembler struct {
	*Budget
	head    streamHead
	choices pieces[textStreamed]
	done    bool
}

// textStreamed is a choice of a text completion that is streamed.
type textStreamed struct {
	index  int
	text   []byte
	finish *string
}

func (c *completionAssembler) Add(_ string, data []byte) {
	if string(data) == endOfStream {
		c.done = true
		return
	}
	var piece struct {
		streamHead
		Choices []struct {
			Index        int     `json:"index"`
			Text         string  `json:"text"`
			FinishReason *string `json:"finish_reason"`
		} `json:"choices"`
	}
	if !decode(data, &piece) {
		return
	}
	c.head.merge(piece.streamHead)
	for _, of := range piece.Choices {
		if choice := c.choices.at(of.Index, c.Budget); choice != nil {
			choice.index = of.Index
			c.text(&choice.text, of.Text)
			if of.FinishReason != nil {
				choice.finish = of.FinishReason
			}
		}
	}
}

func (c *completionAssembler) Complete() bool {
	if c.done {
		return true
	}
	for _, choice := range c.choices {
		if choice.finish == nil {
			return false
		}
	}
	return len(c.choices) > 0
}

func (c *completionAssembler) Failure() *Failure { return c.head.failure() }

func (c *completionAssembler) Result() []byte {
	if len(c.choices) == 0 && !c.done {
		return nil
	}
	type choice struct {
		Index        int     `json:"index"`
		Text         string  `json:"text"`
		FinishReason *string `json:"finish_reason"`
	}
	out := struct {
		ID      string          `json:"id,omitempty"`
		Object  string          `json:"object"`
		Created json.RawMessage `json:"created,omitempty"`
		Model   string          `json:"model,omitempty"`
		Choices []choice        `json:"choices"`
		Usage   json.RawMessage `json:"usage,omitempty"`
	}{c.head.ID, "text_completion", c.head.Created, c.head.Model, []choice{}, c.head.Usage}
	for _, of := range c.choices.ordered() {
		out.Choices = append(out.Choices, choice{of.index, string(of.text), of.finish})
	}
	return encode(out)
}
