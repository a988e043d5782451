package export

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/jsonscan"
)

// chatWriter builds the messages of an example.
type chatWriter struct {
	*example
	reasoning int
}

// contentPart is a part of a message with pictures.
type contentPart struct {
	Type  string    `json:"type"`
	Text  string    `json:"text,omitempty"`
	Image *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

// message appends a message. Tool results, which some providers send as parts of a user's
// message, become separate messages before it. An empty message is left out. The error is
// a skipError.
func (t *chatWriter) message(m *genai.Message) error {
	role, ok := tunedRoles[m.Role]
	if !ok {
		return skipError(UnknownRole)
	}
	said := tuned{Role: role, Name: m.Name}
	var parts []contentPart
	pictures := false
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case genai.PartText:
			parts = append(parts, contentPart{Type: "text", Text: p.Text})
		case genai.PartReasoning:
			t.reasoning++
		case genai.PartImage:
			picture, ok := pictureOf(p)
			if !ok || role != "user" || p.CallID != "" { // a picture returned by a tool is not kept
				return skipError(NotText)
			}
			parts, pictures = append(parts, picture), true
		case genai.PartToolCall:
			if p.Unmatched || role != "assistant" {
				return skipError(OpenCall)
			}
			said.ToolCalls = append(said.ToolCalls, callOf(p, len(said.ToolCalls)))
		case genai.PartToolResult:
			if p.Unmatched {
				return skipError(OpenCall)
			}
			t.Messages = append(t.Messages, tuned{Role: "tool", ToolCallID: callID(p, 0), Content: resultText(p)})
		case genai.PartRefusal:
			return skipError(Refused)
		case genai.PartFailure:
			return skipError(FailedCall)
		default:
			return skipError(NotText)
		}
	}
	if said.Content = contentOf(parts, pictures); said.Content == nil && said.ToolCalls == nil {
		return nil
	}
	if role == "tool" {
		return skipError(OpenCall) // tool text outside a result
	}
	t.Messages = append(t.Messages, said)
	return nil
}

// tunedRoles maps the roles of messages to the roles of the format.
var tunedRoles = map[string]string{
	"system": "system", "developer": "developer", "user": "user", "assistant": "assistant", "tool": "tool",
	"model": "assistant", "human": "user", "ai": "assistant", "function": "tool",
}

// contentOf returns text, or parts if they include pictures. It returns nil if there is none.
func contentOf(parts []contentPart, pictures bool) any {
	if pictures {
		return parts
	}
	var texts []string
	for _, p := range parts {
		if p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return strings.Join(texts, "\n")
}

func pictureOf(p *genai.Part) (contentPart, bool) {
	url := p.URL
	if p.Data != "" {
		url = "data:" + p.MIME + ";base64," + p.Data
	}
	ok := strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "data:image/")
	return contentPart{Type: "image_url", Image: &imageURL{url}}, ok
}

func callOf(p *genai.Part, n int) tunedCall {
	call := tunedCall{ID: callID(p, n), Type: "function"}
	call.Function.Name = p.Tool
	call.Function.Arguments = string(jsonscan.Unwrap(p.Arguments))
	if len(p.Arguments) == 0 {
		call.Function.Arguments = "{}"
	}
	return call
}

// callID returns the id of a call or a result. If it has none, the id is made from the number
// of its pair or, for an unpaired call in the answer, from its index.
func callID(p *genai.Part, n int) string {
	switch {
	case p.CallID != "":
		return p.CallID
	case p.Pair != 0:
		return fmt.Sprintf("call_%d", p.Pair)
	default:
		return fmt.Sprintf("call_answer_%d", n+1)
	}
}

func resultText(p *genai.Part) string {
	if p.Text == "" && p.Result != nil {
		return string(jsonscan.Unwrap(p.Result))
	}
	return p.Text
}

// compact encodes a value that always has a JSON form.
func compact(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}
