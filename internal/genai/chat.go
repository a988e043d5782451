package genai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Reasons to stop, as OpenAI names them.
const (
	stopped   = "stop"
	tooLong   = "length"
	callsTool = "tool_calls"
	filtered  = "content_filter"
)

// chatCompletion is what other forms are brought into.
type chatCompletion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"` // seconds since 1970
	Model   string   `json:"model,omitempty"`
	Choices []choice `json:"choices"`
	Usage   *Usage   `json:"usage,omitempty"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason *string `json:"finish_reason"`
}

type message struct {
	Role      string     `json:"role"`
	Content   content    `json:"content"`
	Refusal   string     `json:"refusal,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON text
}

// content is the parts of a message, in order.
type content []part

// part is a text, or any other part as it goes out.
type part struct {
	text  string
	other json.RawMessage
}

// MarshalJSON writes null for no part, one string for texts alone, else a list.
func (c content) MarshalJSON() ([]byte, error) {
	if len(c) == 0 {
		return []byte("null"), nil
	}
	var joined strings.Builder
	list := make([]any, 0, len(c))
	mixed := false
	for _, p := range c {
		if p.other != nil {
			mixed = true
			list = append(list, p.other)
			continue
		}
		joined.WriteString(p.text)
		list = append(list, textPart{"text", p.text})
	}
	if mixed {
		return marshal(list)
	}
	return marshal(joined.String())
}

type textPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// marshal encodes without escaping < > &, in one line.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (m *message) addText(s string) {
	m.Content = append(m.Content, part{text: s})
}

func (m *message) addOther(raw json.RawMessage) {
	m.Content = append(m.Content, part{other: raw})
}

// addCall adds a call of a tool; arguments are any JSON, or nothing.
func (m *message) addCall(id, name string, arguments json.RawMessage) {
	if id == "" {
		id = fmt.Sprintf("call_%d", len(m.ToolCalls))
	}
	inOneLine := "{}"
	var compact bytes.Buffer
	if given(arguments) && json.Compact(&compact, arguments) == nil {
		inOneLine = compact.String()
	}
	m.ToolCalls = append(m.ToolCalls, toolCall{ID: id, Type: "function", Function: function{name, inOneLine}})
}

// finishReason returns OpenAI's name for a provider's reason to stop, the
// provider's own where OpenAI has none, and nil for no reason.
func finishReason(given string, names map[string]string) *string {
	if given == "" {
		return nil
	}
	if name, ok := names[given]; ok {
		return &name
	}
	return &given
}

// encode completes and encodes a chat completion that was made of raw.
func (c *chatCompletion) encode(raw []byte) ([]byte, bool) {
	c.Object = "chat.completion"
	if c.ID == "" {
		h := fnv.New128a()
		h.Write(raw)
		c.ID = fmt.Sprintf("chatcmpl-%x", h.Sum(nil))
	}
	if c.Created <= 0 {
		c.Created = time.Now().Unix()
	}
	for i := range c.Choices {
		c.Choices[i].Index = i
		c.Choices[i].Message.Role = "assistant"
	}
	out, err := marshal(c)
	return out, err == nil
}
