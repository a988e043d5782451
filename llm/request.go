package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/logger"
)

// request is what a call asks for.
type request struct {
	model    string
	stream   bool
	messages []logger.Message
	params   map[string]any
	json     bool // the body is an object
}

// readRequest reads the body of a call. Of one that was cut, or is sent still,
// it reads what is whole; values that are nested too deeply are taken out of sent.
// Without content there are no messages, and only parameters that are numbers and
// booleans: a text can be anything.
func readRequest(a api, sent *capture, content bool) request {
	body, err := jsonscan.AppendCompact(make([]byte, 0, len(sent.buf)), sent.buf)
	if errors.Is(err, jsonscan.ErrDepth) {
		*sent = sent.flattened()
		body, err = jsonscan.AppendCompact(nil, sent.buf)
	}
	if err != nil {
		body, err = jsonscan.AppendCompact(nil, mended(sent.buf))
	}
	if err != nil || len(body) == 0 || body[0] != '{' {
		return request{}
	}
	r := reader{content: content, request: request{json: true, params: map[string]any{}}}
	for m := jsonscan.MembersOf(body); m.Next(); {
		r.member(a, string(m.Key), m.Value)
	}
	r.messages = append(r.system, r.messages...)
	return r.request
}

// reader reads the members of a body.
type reader struct {
	request
	content bool
	system  []logger.Message // instructions, which stand before the messages
}

func (r *reader) member(a api, key string, value json.RawMessage) {
	switch {
	case key == "model":
		_ = json.Unmarshal(value, &r.model) // not a string: none
	case key == "stream":
		r.stream = string(value) == "true"
		r.param(key, value)
	case r.isContent(a, key):
		if r.content {
			r.sent(a, key, value)
		}
	case a == geminiContent && key == "generationConfig":
		for m := jsonscan.MembersOf(value); m.Next(); {
			r.param(string(m.Key), m.Value)
		}
	case a == ollamaChat || a == ollamaGenerate:
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

// contents are the members that hold what the model is told.
var contents = map[api][]string{
	openAIChat:        {"messages"},
	openAIResponses:   {"instructions", "input"},
	openAICompletions: {"prompt", "suffix"},
	openAIEmbeddings:  {"input"},
	anthropicMessages: {"system", "messages"},
	geminiContent:     {"systemInstruction", "system_instruction", "contents"},
	ollamaChat:        {"messages"},
	ollamaGenerate:    {"system", "prompt", "suffix", "images", "context"},
}

func (r *reader) isContent(a api, key string) bool {
	for _, known := range contents[a] {
		if key == known {
			return true
		}
	}
	return false
}

// sent adds the messages of a member.
func (r *reader) sent(a api, key string, value json.RawMessage) {
	switch {
	case !given(value) || key == "context": // the latter are tokens
	case key == "system" || key == "instructions":
		r.system = append(r.system, logger.Message{Role: "system", Content: value})
	case key == "systemInstruction" || key == "system_instruction":
		r.system = append(r.system, geminiMessage(value, "system"))
	case key == "contents":
		if value[0] != '[' {
			r.messages = append(r.messages, geminiMessage(value, "user"))
			return
		}
		for element := range wire.Elements(value) {
			r.messages = append(r.messages, geminiMessage(element, "user"))
		}
	case key == "images":
		r.messages = append(r.messages, logger.MessageOf(json.RawMessage(encode(map[string]any{"role": "user", "images": value}))))
	case value[0] == '"':
		r.messages = append(r.messages, logger.Message{Role: "user", Content: value})
	case value[0] == '[':
		r.list(a, value)
	}
}

// list adds the elements of a list: messages, items, or texts. Numbers, which are tokens,
// are left out.
func (r *reader) list(a api, value json.RawMessage) {
	for element := range wire.Elements(value) {
		switch element[0] {
		case '{':
			r.messages = append(r.messages, logger.MessageOf(json.RawMessage(element)))
		case '"':
			r.messages = append(r.messages, logger.Message{Role: "user", Content: json.RawMessage(element)})
		}
	}
}

// geminiMessage brings a content of Gemini into the form of a message: its texts joined,
// or its parts as they are where some are no texts.
func geminiMessage(raw json.RawMessage, role string) logger.Message {
	var c struct {
		Role  string            `json:"role"`
		Parts []json.RawMessage `json:"parts"`
	}
	if raw[0] == '"' || !decode(raw, &c) {
		return logger.Message{Role: role, Content: raw}
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
			return logger.Message{Role: role, Content: json.RawMessage(encode(c.Parts))}
		}
		text.WriteString(said)
	}
	return logger.Message{Role: role, Content: text.String()}
}

// param adds a parameter: a string as it is, anything else as its JSON.
func (r *reader) param(key string, value json.RawMessage) {
	if !given(value) {
		return
	}
	var text string
	switch first := value[0]; {
	case first == '-' || first >= '0' && first <= '9' || first == 't' || first == 'f':
		r.params[key] = json.RawMessage(bytes.Clone(value))
	case !r.content:
	case first == '"' && json.Unmarshal(value, &text) == nil:
		r.params[key] = text
	default:
		r.params[key] = value
	}
}
