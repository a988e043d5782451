package genai

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// Request is the content of a call of a model.
type Request struct {
	Model    string // "" if the body names none
	Stream   bool   // the body asks for a stream
	Messages []SentMessage
	Params   map[string]any // everything else: strings, and the JSON of other values
}

// SentMessage is a message in a request: Raw, as it was sent, or one made of a text or of
// parts that the API has outside of messages.
type SentMessage struct {
	Raw     json.RawMessage // nil if the message was made of Role and Content
	Role    string
	Content any // text or JSON
}

// ReadRequest reads the body of a call of an API: a JSON object in one line. The result
// shares its memory. Without content there are no messages, and only parameters that are
// numbers and booleans: a text can be anything.
func ReadRequest(a API, body []byte, content bool) Request {
	r := requestReader{content: content, Request: Request{Params: map[string]any{}}}
	for m := jsonscan.MembersOf(body); m.Next(); {
		r.member(a, string(m.Key), m.Value)
	}
	r.Messages = append(r.system, r.Messages...)
	return r.Request
}

// requestReader reads the members of a body.
type requestReader struct {
	Request
	content bool
	system  []SentMessage // instructions, which come before the messages
}

// member reads one member of the body. Gemini and Ollama have their parameters one level
// deeper than the others.
func (r *requestReader) member(a API, key string, value json.RawMessage) {
	switch {
	case key == "model":
		_ = json.Unmarshal(value, &r.Model) // stays empty if the model is not a string
	case key == "stream":
		r.Stream = string(value) == "true"
		r.param(key, value)
	case r.isContent(a, key):
		if r.content {
			r.sent(a, key, value)
		}
	case a == GeminiGenerate && key == "generationConfig":
		for m := jsonscan.MembersOf(value); m.Next(); {
			r.param(string(m.Key), m.Value)
		}
	case a == OllamaChat || a == OllamaGenerate:
		if key == "options" {
			for m := jsonscan.MembersOf(value); m.Next(); {
				r.param(string(m.Key), m.Value)
			}
			return
		}
		r.param(key, value)
	default:
		r.param(key, value)
	}
}

// contentMembers are the members with texts for the model.
var contentMembers = map[API][]string{
	OpenAIChat:        {"messages"},
	OpenAIResponses:   {"instructions", "input"},
	OpenAICompletions: {"prompt", "suffix"},
	OpenAIEmbeddings:  {"input"},
	AnthropicMessages: {"system", "messages"},
	GeminiGenerate:    {"systemInstruction", "system_instruction", "contents"},
	OllamaChat:        {"messages"},
	OllamaGenerate:    {"system", "prompt", "suffix", "images", "context"},
}

// isContent reports whether a member holds texts for the model, not a parameter.
func (r *requestReader) isContent(a API, key string) bool {
	for _, known := range contentMembers[a] {
		if key == known {
			return true
		}
	}
	return false
}

// sent adds the messages of a member.
func (r *requestReader) sent(a API, key string, value json.RawMessage) {
	switch {
	case !given(value) || key == "context": // the latter are tokens
	case key == "system" || key == "instructions":
		r.system = append(r.system, SentMessage{Role: "system", Content: value})
	case key == "systemInstruction" || key == "system_instruction":
		r.system = append(r.system, geminiMessage(value, "system"))
	case key == "contents":
		if value[0] != '[' {
			r.Messages = append(r.Messages, geminiMessage(value, "user"))
			return
		}
		for _, element := range jsonscan.ElementsOf(value) {
			r.Messages = append(r.Messages, geminiMessage(element, "user"))
		}
	case key == "images":
		r.Messages = append(r.Messages, SentMessage{Raw: encode(map[string]any{"role": "user", "images": value})})
	case value[0] == '"':
		r.Messages = append(r.Messages, SentMessage{Role: "user", Content: value})
	case value[0] == '[':
		r.list(a, value)
	}
}

// list adds the elements of a list: messages, items, or texts. Numbers, which are tokens,
// are left out.
func (r *requestReader) list(a API, value json.RawMessage) {
	for _, element := range jsonscan.ElementsOf(value) {
		switch element[0] {
		case '{':
			r.Messages = append(r.Messages, SentMessage{Raw: element})
		case '"':
			r.Messages = append(r.Messages, SentMessage{Role: "user", Content: json.RawMessage(element)})
		}
	}
}

// geminiMessage brings a content of Gemini into the form of a message: its texts joined,
// or its parts as they are where some are no texts.
func geminiMessage(raw json.RawMessage, role string) SentMessage {
	var c struct {
		Role  string            `json:"role"`
		Parts []json.RawMessage `json:"parts"`
	}
	if raw[0] == '"' || !decode(raw, &c) {
		return SentMessage{Role: role, Content: raw}
	}
	switch {
	case role == "system" || c.Role == "":
	case c.Role == "model":
		role = "assistant"
	default:
		role = c.Role
	}
	var text strings.Builder
	for _, part := range c.Parts {
		var members map[string]json.RawMessage
		var said string
		if !decode(part, &members) || len(members) != 1 || json.Unmarshal(members["text"], &said) != nil {
			return SentMessage{Role: role, Content: json.RawMessage(encode(c.Parts))}
		}
		text.WriteString(said)
	}
	return SentMessage{Role: role, Content: text.String()}
}

// param adds a parameter: a string as it is, anything else as its JSON.
func (r *requestReader) param(key string, value json.RawMessage) {
	if !given(value) {
		return
	}
	var text string
	switch first := value[0]; {
	case first == '-' || first >= '0' && first <= '9' || first == 't' || first == 'f':
		r.Params[key] = json.RawMessage(bytes.Clone(value))
	case !r.content:
	case first == '"' && json.Unmarshal(value, &text) == nil:
		r.Params[key] = text
	default:
		r.Params[key] = value
	}
}
