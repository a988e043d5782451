package genai

import (
	"encoding/json"
	"strings"
)

// envelope are members of messages that say nothing of their content, where they are no
// objects or lists. They are in Message.Raw alone.
var envelope = map[string]bool{
	"type": true, "id": true, "object": true, "status": true, "model": true, "index": true,
	"created": true, "created_at": true, "phase": true, "lc": true, "is_error": true,
}

// roles are other names of roles.
var roles = map[string]string{
	"model": "assistant", "ai": "assistant", "chatbot": "assistant", "human": "user", "function": "tool",
	"AIMessage": "assistant", "AIMessageChunk": "assistant", "HumanMessage": "user", "SystemMessage": "system",
	"ToolMessage": "tool", "FunctionMessage": "tool",
}

// roleOf returns the usual name of a role, or the one given.
func roleOf(given string) string {
	if role, ok := roles[given]; ok {
		return role
	}
	lower := strings.ToLower(given)
	if role, ok := roles[lower]; ok {
		return role
	}
	switch lower {
	case "system", "user", "assistant", "tool", "developer":
		return lower
	}
	return given
}

// InstructionFields returns the names under which a system prompt is given apart from
// messages.
func InstructionFields() []string { return instructionFields }

var instructionFields = []string{"system", "instructions", "systemInstruction", "system_instruction", "preamble"}

// ReadMessages reads the messages that a model was sent, in the form of any provider: a
// message, a list of them, or a whole request.
func ReadMessages(raw json.RawMessage) []Message { return readSent(raw, 0) }

func readSent(raw json.RawMessage, depth int) []Message {
	if !given(raw) {
		return nil
	}
	if text, ok := stringOf(raw); ok {
		return []Message{plainMessage("user", text, raw)}
	}
	o := objectOf(raw)
	switch {
	case depth >= maxDepth:
	case isArray(raw):
		var all []Message
		for _, element := range elementsOf(raw) {
			all = append(all, readSent(element, depth+1)...)
		}
		return all
	case isRequest(&o):
		return request(o, depth)
	}
	return []Message{message(raw, "user", depth)}
}

// conversations are the members of a request that hold its messages.
var conversations = []string{"messages", "contents", "chat_history", "input"}

// isRequest reports whether an object is a whole request rather than a message: some clients
// log the body that they sent.
func isRequest(o *object) bool {
	if o.has("role") || o.has("type") || o.has("content") || o.has("parts") {
		return false
	}
	for _, key := range conversations {
		if isArray(o.get(key)) {
			return true
		}
	}
	for _, key := range append([]string{"prompt"}, instructionFields...) {
		if o.has(key) {
			return true
		}
	}
	return false
}

// request reads the messages of a whole request.
func request(o object, depth int) []Message {
	var all []Message
	for _, key := range instructionFields {
		if raw := o.take(key); given(raw) {
			all = append(all, ReadInstructions(raw))
		}
	}
	for _, key := range append(conversations, "prompt") {
		all = append(all, readSent(o.take(key), depth+1)...)
	}
	if raw := o.rest(nil); raw != nil {
		all = append(all, Message{Role: "user", Parts: []Part{{Kind: PartOther, Raw: raw}}, Raw: raw})
	}
	return all
}

// ReadInstructions reads instructions: a string, which may hold JSON, or content.
func ReadInstructions(raw json.RawMessage) Message {
	if s, ok := stringOf(raw); ok {
		inside := parsed(s)
		if inside == nil {
			return plainMessage("system", s, raw)
		}
		raw = inside
	}
	if o := objectOf(raw); o.has("parts") || o.has("content") {
		m := message(raw, "system", 0)
		m.Role = "system"
		return m
	}
	return Message{Role: "system", Parts: contents(raw, 0), Raw: raw}
}

// plainMessage returns a message with one text.
func plainMessage(role, text string, raw json.RawMessage) Message {
	m := Message{Role: role, Raw: raw}
	if text != "" {
		m.Parts = []Part{{Kind: PartText, Text: text}}
	}
	return m
}

// message reads one message. A message without a role gets the given one.
func message(raw json.RawMessage, role string, depth int) Message {
	m := Message{Role: role, Raw: raw}
	o := objectOf(raw)
	if depth >= maxDepth || len(o.members) == 0 {
		m.Parts = contents(raw, depth)
		return m
	}
	if serialized(&o, &m) {
		return m
	}
	if !o.has("role") && !isMessage(&o) {
		m.item(raw, &o, depth)
		return m
	}
	if given := o.takeText("role", "Role"); given != "" {
		m.Role = roleOf(given)
	} else if typed := roleOf(o.text("type")); typed != o.text("type") || typed == "system" || typed == "tool" {
		m.Role = typed
	}
	m.Name = o.takeText("name")
	m.thoughts(&o)
	if m.Role == "tool" {
		m.toolMessage(&o, depth)
	}
	for _, key := range []string{"content", "Content", "parts", "message"} {
		m.Parts = append(m.Parts, contents(o.take(key), depth+1)...)
	}
	m.extras(&o)
	if left := o.rest(envelope); left != nil {
		m.Parts = append(m.Parts, Part{Kind: PartOther, Raw: left})
	}
	return m
}

// isMessage reports whether an object without a role is a message, and not an item that
// can stand beside messages.
func isMessage(o *object) bool {
	switch o.text("type") {
	case "message", "human", "ai", "system", "tool":
		return true
	case "":
		return o.has("content") || o.has("parts") || o.has("tool_calls") || o.has("Content")
	}
	return false
}

// serialized reads the forms of LangChain that wrap a message: {"type","data"} and
// {"lc","type":"constructor","id","kwargs"}.
func serialized(o *object, m *Message) bool {
	role, inside := "", json.RawMessage(nil)
	switch {
	case o.text("type") == "constructor" && isObject(o.get("kwargs")):
		inside = o.take("kwargs")
		for _, name := range elementsOf(o.take("id")) {
			role, _ = stringOf(name)
		}
	case !o.has("content") && isObject(o.get("data")) && isMessage(o):
		inside, role = o.take("data"), o.text("type")
	default:
		return false
	}
	read := message(inside, roleOf(role), 1)
	read.Raw = m.Raw
	if left := o.rest(envelope); left != nil {
		read.Parts = append(read.Parts, Part{Kind: PartOther, Raw: left})
	}
	*m = read
	return true
}

// thoughts takes the thoughts of the model that providers put beside the content.
func (m *Message) thoughts(o *object) {
	for _, key := range []string{"reasoning_content", "reasoning", "thinking", "tool_plan"} {
		if text := o.takeText(key); text != "" {
			m.Parts = append(m.Parts, Part{Kind: PartReasoning, Text: text})
		}
	}
}

// extras takes the other parts that providers put beside the content: refusal, audio, images
// and calls.
func (m *Message) extras(o *object) {
	if text := o.takeText("refusal"); text != "" {
		m.Parts = append(m.Parts, Part{Kind: PartRefusal, Text: text})
	}
	if raw := o.take("audio"); raw != nil {
		audio := objectOf(raw)
		m.Parts = append(m.Parts, Part{Kind: PartAudio, Text: audio.text("transcript"), Data: audio.text("data"), URL: audio.text("id"), Raw: raw})
	}
	if raw := o.get("images"); isArray(raw) {
		o.take("images")
		for _, image := range elementsOf(raw) {
			m.Parts = append(m.Parts, imageOf(image))
		}
	}
	if raw := o.get("tool_calls"); isArray(raw) {
		o.take("tool_calls")
		for _, c := range elementsOf(raw) {
			m.Parts = append(m.Parts, call(c))
		}
	}
	if raw := o.take("function_call"); raw != nil {
		m.Parts = append(m.Parts, call(raw))
	}
}

// toolMessage takes the content of a message with the results of tools.
func (m *Message) toolMessage(o *object, depth int) {
	if results := o.get("tool_results"); isArray(results) {
		o.take("tool_results")
		for _, raw := range elementsOf(results) {
			r := objectOf(raw)
			of := r.sub("call")
			m.Parts = append(m.Parts, Part{Kind: PartToolResult, Tool: of.text("name"), Result: r.get("outputs"), Raw: raw})
		}
		return
	}
	if !o.has("content") && !o.has("Content") {
		return
	}
	content := o.take("content", "Content")
	if onlyResults(content) {
		m.Parts = append(m.Parts, contents(content, depth+1)...)
		return
	}
	if named := o.takeText("tool_name"); m.Name == "" {
		m.Name = named
	}
	r := Part{Kind: PartToolResult, CallID: o.takeText("tool_call_id"), Tool: m.Name}
	if !isScalar(content) {
		r.Raw = content
	}
	r.Failed = o.isTrue("is_error") || o.text("status") == "error"
	m.Parts = append(m.Parts, r.with(content, depth+1)...)
}

// onlyResults reports whether content is a list of parts that are all marked as results, as
// the AI SDK and Gemini send them.
func onlyResults(content json.RawMessage) bool {
	found := false
	for _, raw := range elementsOf(content) {
		o := objectOf(raw)
		if kind := o.text("type"); kind != "tool-result" && kind != "tool_result" && !o.has("functionResponse") &&
			!o.has("toolResult") && !o.has("function_response") {
			return false
		}
		found = true
	}
	return found
}
