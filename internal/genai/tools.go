package genai

import (
	"encoding/json"
	"strings"
)

// call reads an element of tool_calls.
func call(raw json.RawMessage) Part {
	o := objectOf(raw)
	parts := callPart(&o, 0)
	parts[0].Raw = raw
	return parts[0]
}

// callPart reads a call of a tool, whose name and arguments may be in a member of their
// own.
func callPart(o *object, _ int) []Part {
	p := Part{Kind: PartToolCall, CallID: o.text("call_id", "tool_call_id", "toolCallId", "toolUseId", "ToolUseId", "id")}
	inside := *o
	for _, key := range []string{"function", "custom"} {
		if within := o.sub(key); len(within.members) > 0 {
			inside = within
		}
	}
	p.Tool = inside.text("name", "toolName", "tool_name", "Name")
	p.Arguments = arguments(inside.get("arguments", "args", "input", "parameters", "Input"))
	return []Part{p}
}

// arguments returns the JSON of arguments, out of a string if they are in one.
func arguments(raw json.RawMessage) json.RawMessage {
	s, ok := stringOf(raw)
	if !ok {
		return raw
	}
	if s == "" {
		return nil
	}
	if json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return raw
}

// callAndResult reads a call that the provider made and that has its result with it.
func callAndResult(o *object, depth int) []Part {
	parts := callPart(o, depth)
	failure := o.get("error")
	if output := o.get("output"); output != nil || failure != nil {
		r := Part{Kind: PartToolResult, CallID: parts[0].CallID, Tool: parts[0].Tool, Failed: failure != nil}
		if output == nil {
			output = failure
		}
		parts = append(parts, r.with(output, depth+1)...)
	}
	return parts
}

// resultPart reads the result of a tool call.
func resultPart(o *object, depth int) []Part {
	p := Part{
		Kind:   PartToolResult,
		CallID: o.text("tool_use_id", "call_id", "tool_call_id", "toolCallId", "toolUseId", "ToolUseId", "id"),
		Tool:   o.text("name", "toolName", "tool_name"),
		Failed: o.isTrue("is_error") || o.isTrue("isError") || o.text("status", "Status") == "error",
	}
	content := o.get("content", "output", "result", "response", "Content")
	inside := objectOf(content)
	if strings.HasSuffix(inside.text("type"), "_error") || strings.HasPrefix(inside.text("type"), "error-") {
		p.Failed = true
	}
	return p.with(content, depth+1)
}

// with returns a result with its content: the texts joined, and images and files as separate
// parts after it. Content with other parts is kept in Result.
func (p Part) with(content json.RawMessage, depth int) []Part {
	if s, ok := stringOf(content); ok {
		p.Text, p.Result = s, parsed(s)
		return []Part{p}
	}
	var texts []string
	var beside []Part
	whole := isArray(content) && depth < maxDepth
	for _, element := range elementsOf(content) {
		if !whole {
			break
		}
		for _, q := range contents(element, depth+1) {
			switch q.Kind {
			case PartText:
				texts = append(texts, q.Text)
			case PartImage, PartAudio, PartFile:
				q.CallID = p.CallID
				beside = append(beside, q)
			default:
				whole = false
			}
		}
	}
	if !whole {
		if given(content) {
			p.Result = content
		}
		return []Part{p}
	}
	p.Text = strings.Join(texts, "\n")
	p.Result = parsed(p.Text)
	return append([]Part{p}, beside...)
}

// item reads an object that is no message and can stand beside messages: an item of the
// Responses interface, or a part alone.
func (m *Message) item(raw json.RawMessage, o *object, depth int) {
	kind := o.text("type")
	m.Parts = contents(raw, depth)
	switch {
	case strings.HasSuffix(kind, "_output") || kind == "tool_result" || kind == "mcp_approval_response":
		m.Role = "tool"
	case kind == "reasoning" || strings.HasSuffix(kind, "_call") || kind == "tool_use" || kind == "output_text" ||
		kind == "mcp_list_tools" || kind == "mcp_approval_request":
		m.Role = "assistant"
	}
}
