package tree

import (
	"encoding/json"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
)

// part is a line of a node's body.
type part struct {
	label, text string
	failure     bool
}

// body returns a node's input, output and error, in this order; empty parts are left out.
func body(n *fold.Node) []part {
	var parts []part
	add := func(label, text string) {
		if text != "" {
			parts = append(parts, part{label: label, text: text})
		}
	}
	failure := ""
	switch n.Kind {
	case "generation":
		add("in", asked(n.Messages))
		answer, err := answered(n.Result)
		add("out", answer)
		failure = err
	case "tool_call":
		add("in", plain(n.Args))
		add("out", plain(n.Result))
		failure = failed(n.Error)
	case "retrieval":
		add("in", plain(n.Input))
		add("out", plain(n.Docs))
	case "error":
		failure = strings.TrimSpace(plain(n.ErrorType) + " " + plain(n.Message))
	default:
		add("in", plain(n.Input))
		add("out", plain(n.Output))
	}
	if failure != "" {
		parts = append(parts, part{"✗", failure, true})
	}
	return parts
}

// asked summarises the messages sent to a model: their number and the last one.
func asked(messages []json.RawMessage) string {
	if len(messages) == 0 {
		return ""
	}
	var last struct {
		Role    string
		Content json.RawMessage
	}
	raw := messages[len(messages)-1]
	text := plural(len(messages), "message")
	if json.Unmarshal(raw, &last) != nil || last.Role == "" {
		return text + ", " + plain(raw)
	}
	return text + ", " + last.Role + ": " + content(last.Content)
}

// answered returns a model's answer, or the error of the call. Results that are not chat
// completions are returned unchanged.
func answered(result json.RawMessage) (answer, failure string) {
	var r struct {
		Choices []struct {
			Message struct {
				Content   json.RawMessage
				ToolCalls []struct {
					Function struct{ Name, Arguments string }
				} `json:"tool_calls"`
			}
		}
		Error json.RawMessage
	}
	if json.Unmarshal(result, &r) != nil {
		return plain(result), ""
	}
	if failure = failed(r.Error); failure != "" {
		return "", failure
	}
	if len(r.Choices) == 0 {
		return plain(result), ""
	}
	m := r.Choices[0].Message
	said := []string{}
	if text := content(m.Content); text != "" {
		said = append(said, text)
	}
	for _, c := range m.ToolCalls {
		said = append(said, "→ "+c.Function.Name+"("+c.Function.Arguments+")")
	}
	return strings.Join(said, " "), ""
}

// failed returns the message of an error, or its JSON if it has no message.
func failed(raw json.RawMessage) string {
	var e struct{ Message string }
	if json.Unmarshal(raw, &e) == nil && e.Message != "" {
		return e.Message
	}
	return plain(raw)
}

// content returns the text of a message: a string, or the text among its parts.
func content(raw json.RawMessage) string {
	var parts []struct{ Type, Text string }
	if json.Unmarshal(raw, &parts) != nil {
		return plain(raw)
	}
	var texts []string
	for _, p := range parts {
		if p.Text != "" {
			texts = append(texts, p.Text)
		} else if p.Type != "" {
			texts = append(texts, "["+p.Type+"]")
		}
	}
	return strings.Join(texts, " ")
}

// plain returns the text of a JSON string, the value of {"type":"text","value":…},
// and any other value's JSON; nothing for null.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var typed struct{ Type, Value string }
	if json.Unmarshal(raw, &typed) == nil && typed.Type == "text" {
		return typed.Value
	}
	return string(raw)
}
