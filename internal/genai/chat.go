package genai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
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

// Chat is a chat completion of OpenAI, the form that other forms are brought into. Its
// JSON has the members in the order of the fields.
type Chat struct {
	ID                string          `json:"id,omitempty"`
	Object            string          `json:"object"`            // always ChatObject
	Created           json.RawMessage `json:"created,omitempty"` // seconds since 1970, as written
	Model             string          `json:"model,omitempty"`
	Choices           []ChatChoice    `json:"choices"`
	Usage             json.RawMessage `json:"usage,omitempty"` // as given, or of EncodeUsage
	SystemFingerprint string          `json:"system_fingerprint,omitempty"`
	ServiceTier       string          `json:"service_tier,omitempty"`
}

// ChatObject is the member "object" of a chat completion.
const ChatObject = "chat.completion"

// ChatChoice is one of the responses in a chat completion.
type ChatChoice struct {
	Index        int         `json:"index"`
	Message      ChatMessage `json:"message"`
	FinishReason *string     `json:"finish_reason"` // nil if the response did not come to its end
}

// ChatMessage is the message in a choice.
type ChatMessage struct {
	Role      string     `json:"role"`
	Content   content    `json:"content"` // see AddText and AddPart
	Refusal   string     `json:"refusal,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []ChatCall `json:"tool_calls,omitempty"`
}

// ChatCall is a tool call in a message.
type ChatCall struct {
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type"`
	Function ChatFunction `json:"function"`
}

// ChatFunction names the tool of a call, and holds its arguments as a text of JSON.
type ChatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
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
		list = append(list, chatText{"text", p.text})
	}
	if mixed {
		return marshal(list)
	}
	return marshal(joined.String())
}

// chatText is a text among the parts of a content.
type chatText struct {
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

// AddText adds a text to the content. Texts alone are written as one string, joined.
func (m *ChatMessage) AddText(s string) {
	m.Content = append(m.Content, part{text: s})
}

// AddPart adds any other part to the content, as it is to be written. It makes the content
// a list.
func (m *ChatMessage) AddPart(raw json.RawMessage) {
	m.Content = append(m.Content, part{other: raw})
}

// addCall adds a call of a tool; arguments are any JSON, or nothing.
func (m *ChatMessage) addCall(id, name string, arguments json.RawMessage) {
	if id == "" {
		id = fmt.Sprintf("call_%d", len(m.ToolCalls))
	}
	inOneLine := "{}"
	var compact bytes.Buffer
	if given(arguments) && json.Compact(&compact, arguments) == nil {
		inOneLine = compact.String()
	}
	m.ToolCalls = append(m.ToolCalls, ChatCall{ID: id, Type: "function", Function: ChatFunction{name, inOneLine}})
}

// finishReason returns OpenAI's name for a provider's reason to stop. A reason without an
// OpenAI name stays unchanged. No reason gives nil, because OpenAI uses null for a response
// that has not ended.
func finishReason(given string, names map[string]string) *string {
	if given == "" {
		return nil
	}
	if name, ok := names[given]; ok {
		return &name
	}
	return &given
}

// encode completes and encodes a chat completion that was made of raw. The id of a result
// without one is a hash of raw: the same result logged twice has the same id.
func (c *Chat) encode(raw []byte) ([]byte, bool) {
	c.Object = ChatObject
	if c.ID == "" {
		h := fnv.New128a()
		h.Write(raw)
		c.ID = fmt.Sprintf("chatcmpl-%x", h.Sum(nil))
	}
	if c.Created == nil {
		c.Created = unixTime(time.Now())
	}
	for i := range c.Choices {
		c.Choices[i].Index = i
		c.Choices[i].Message.Role = "assistant"
	}
	out, err := marshal(c)
	return out, err == nil
}

// unixTime returns a time as the member "created" has it.
func unixTime(t time.Time) json.RawMessage { return strconv.AppendInt(nil, t.Unix(), 10) }
