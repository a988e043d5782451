package otlp

import (
	"encoding/json"
	"strings"
)

// Messages are converted to OpenAI's chat format, which every reader of the log supports
// best. Parts that the format cannot express stay unchanged.

// message converts a message of any convention to OpenAI's form. Tool results become
// separate messages. role applies if the message names none.
func message(v any, role string) []any {
	o, ok := parsed(v).(object)
	if !ok {
		if text := asJSON(v); v != nil && text != "" {
			return []any{object{"role": role, "content": text}}
		}
		return nil
	}
	if inner, ok := o["message"].(object); ok && o["role"] == nil { // OpenInference
		o = inner
	}
	if parts := list(o["parts"]); parts != nil {
		return fromParts(o, parts, role)
	}
	return []any{fromFlat(o, role)}
}

// messages returns the messages of a list, which may be JSON text.
func messages(v any, role string) []any {
	v = parsed(v)
	elements := list(v)
	if elements == nil && v != nil {
		elements = []any{v}
	}
	all := []any{}
	for _, element := range elements {
		all = append(all, message(element, role)...)
	}
	return all
}

func roleIn(o object, other string) string {
	if role := textOf(o["role"]); role != "" {
		return role
	}
	return other
}

// fromFlat converts a message whose members are attributes or event fields, as in
// OpenLLMetry, OpenInference and the conventions' events.
func fromFlat(o object, role string) object {
	m := object{"role": roleIn(o, role)}
	for _, name := range []string{"name", "tool_call_id", "refusal", "reasoning_content"} {
		if o[name] != nil {
			m[name] = o[name]
		}
	}
	if reasoning := o["reasoning"]; reasoning != nil && m["reasoning_content"] == nil {
		m["reasoning_content"] = reasoning
	}
	content := parsed(o["content"])
	if contents := list(o["contents"]); contents != nil {
		content = openInferenceContent(contents)
	}
	if _, isText := o["content"].(string); isText && list(content) == nil {
		content = o["content"] // JSON that is not a list of parts is plain text
	}
	if content != nil {
		m["content"] = content
	}
	if calls := toolCalls(o); len(calls) > 0 {
		m["tool_calls"] = calls
	}
	return m
}

// toolCalls returns the tool calls in a message.
func toolCalls(o object) []any {
	calls := []any{}
	for _, raw := range list(parsed(o["tool_calls"])) {
		c, ok := parsed(raw).(object)
		if !ok {
			continue
		}
		if inner, ok := c["tool_call"].(object); ok {
			c = inner
		}
		if function, ok := c["function"].(object); ok {
			calls = append(calls, toolCall(c["id"], function["name"], function["arguments"]))
		} else {
			calls = append(calls, toolCall(c["id"], c["name"], c["arguments"]))
		}
	}
	if name := o["function_call_name"]; name != nil {
		calls = append(calls, toolCall(nil, name, o["function_call_arguments_json"]))
	}
	return calls
}

func toolCall(id, name, arguments any) object {
	function := object{"name": textOf(name)}
	if arguments != nil {
		function["arguments"] = asJSON(arguments)
	}
	c := object{"type": "function", "function": function}
	if id := textOf(id); id != "" {
		c["id"] = id
	}
	return c
}

// openInferenceContent converts the parts in message.contents.
func openInferenceContent(contents []any) []any {
	parts := []any{}
	for _, raw := range contents {
		c, _ := member(raw, "message_content").(object)
		switch kind := textOf(c["type"]); {
		case kind == "text":
			parts = append(parts, object{"type": "text", "text": asJSON(c["text"])})
		case kind == "image":
			parts = append(parts, object{"type": "image_url", "image_url": object{"url": textOf(member(c, "image", "image", "url"))}})
		case c != nil:
			parts = append(parts, c)
		}
	}
	return parts
}

// fromParts converts a message with parts, the form of the generative AI conventions.
func fromParts(o object, parts []any, role string) []any {
	m := object{"role": roleIn(o, role)}
	if o["name"] != nil {
		m["name"] = o["name"]
	}
	content, calls, results, thoughts := []any{}, []any{}, []any{}, []string{}
	for _, raw := range parts {
		p, ok := raw.(object)
		if !ok {
			content = append(content, object{"type": "text", "text": asJSON(raw)})
			continue
		}
		switch textOf(p["type"]) {
		case "tool_call":
			calls = append(calls, toolCall(p["id"], p["name"], p["arguments"]))
		case "tool_call_response":
			results = append(results, toolResult(p))
		case "reasoning", "thinking":
			thoughts = append(thoughts, textOf(p["content"]))
		case "refusal":
			m["refusal"] = textOf(p["content"])
		default:
			content = append(content, contentPart(p))
		}
	}
	if len(thoughts) > 0 {
		m["reasoning_content"] = strings.Join(thoughts, "\n\n")
	}
	if len(calls) > 0 {
		m["tool_calls"] = calls
	}
	setContent(m, content)
	if len(results) > 0 && len(m) == 1 { // nothing but a role
		return results
	}
	return append([]any{m}, results...)
}

// setContent sets the content of a message. A single text part becomes a plain string.
func setContent(m object, parts []any) {
	if len(parts) == 1 {
		if p, ok := parts[0].(object); ok && p["type"] == "text" {
			m["content"] = p["text"]
			return
		}
	}
	if len(parts) > 0 {
		m["content"] = parts
	}
}

// toolResult converts a tool_call_response to a message.
func toolResult(p object) object {
	m := object{"role": "tool"}
	if id := textOf(p["id"]); id != "" {
		m["tool_call_id"] = id
	}
	for _, name := range []string{"response", "result", "content"} {
		if response := p[name]; response != nil {
			m["content"] = asJSON(response)
			break
		}
	}
	return m
}

// contentPart converts a part of a message's content. Unknown parts stay unchanged.
func contentPart(p object) any {
	switch textOf(p["type"]) {
	case "text":
		text := p["content"]
		if text == nil {
			text = p["text"]
		}
		return object{"type": "text", "text": asJSON(text)}
	case "blob":
		if data := textOf(p["content"]); data != "" {
			return media(p, "data:"+textOf(p["mime_type"])+";base64,"+data)
		}
	case "uri":
		if uri := textOf(p["uri"]); uri != "" {
			return media(p, uri)
		}
	case "file":
		if id := textOf(p["file_id"]); id != "" {
			return object{"type": "file", "file": object{"file_id": id}}
		}
	}
	return p
}

// media converts an image, sound or file at a URL.
func media(p object, url string) object {
	where := object{"url": url}
	kind := textOf(p["mime_type"])
	if kind != "" {
		where["mime_type"] = kind
	}
	modality := textOf(p["modality"])
	if modality == "" {
		modality, _, _ = strings.Cut(kind, "/")
	}
	switch modality {
	case "image":
		return object{"type": "image_url", "image_url": where}
	case "audio":
		return object{"type": "input_audio", "input_audio": where}
	}
	if name := textOf(p["name"]); name != "" {
		where["filename"] = name
	}
	return object{"type": "file", "file": where}
}

// lastText returns the text of the last message of a role, or "" if there is none.
func lastText(messages []any, role string) string {
	for i := len(messages) - 1; i >= 0; i-- {
		m, _ := messages[i].(object)
		if textOf(m["role"]) != role {
			continue
		}
		if text := contentText(m["content"]); text != "" {
			return text
		}
	}
	return ""
}

func contentText(content any) string {
	var texts []string
	switch content := content.(type) {
	case string:
		return content
	case []any:
		for _, part := range content {
			if text, ok := member(part, "text").(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return strings.Join(texts, "\n")
}

// whole returns a count as a JSON number, or false if v is not a count.
func whole(v any) (json.Number, bool) {
	f, ok := number(v)
	if !ok || f < 0 || f > 1e15 {
		return "", false
	}
	return json.Number(textOf(int64(f))), true
}
