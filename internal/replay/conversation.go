package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// ConversationError says that a conversation is skipped, and why. It holds nothing of
// the conversation.
type ConversationError struct {
	Number int // among the conversations of the stream, from 1
	Reason string
}

// Error names the conversation and the reason.
func (e *ConversationError) Error() string {
	return fmt.Sprintf("conversation %d is skipped: %s", e.Number, e.Reason)
}

// conversation is a recorded conversation, ready to be logged.
type conversation struct {
	number          int
	model, provider string // "" if the recording does not say
	messages        []message
}

// message is a message of the chat: its own JSON, and the fields that the mapping needs.
type message struct {
	raw    json.RawMessage // valid JSON in one line
	role   string
	text   string // its content, or the text parts of it
	calls  []call
	callID string // of the call that a tool message answers

	model, finish string          // of an assistant message, "" if not recorded
	usage         json.RawMessage // of an assistant message, nil if not recorded
	at            time.Time       // zero if not recorded
}

// call is a tool call that an assistant message asks for.
type call struct {
	ID       string
	Function struct {
		Name      string
		Arguments json.RawMessage
	}
}

// arguments returns the arguments' JSON text, which the chat API wraps in a string.
func (c call) arguments() any {
	if text, ok := unquote(c.Function.Arguments); ok {
		return text
	}
	if isNull(c.Function.Arguments) {
		return nil
	}
	return c.Function.Arguments
}

// parse reads a conversation. Its errors are all *ConversationError.
func parse(number int, text []byte) (conversation, error) {
	c := conversation{number: number}
	var recorded struct {
		Messages, Traj  json.RawMessage
		Model, Provider json.RawMessage
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			return c, &ConversationError{number, "it is not valid JSON"}
		}
		return c, &ConversationError{number, "it is not a JSON object"}
	}
	c.model, _ = unquote(recorded.Model)
	c.provider, _ = unquote(recorded.Provider)
	list := recorded.Messages
	if isNull(list) {
		list = recorded.Traj
	}
	var raw []json.RawMessage
	if json.Unmarshal(list, &raw) != nil || raw == nil {
		return c, &ConversationError{number, "it has no list of messages, under messages or traj"}
	}
	c.messages = make([]message, len(raw))
	for i := range raw {
		if err := c.messages[i].parse(raw[i]); err != nil {
			return c, &ConversationError{number, fmt.Sprintf("message %d %s", i+1, err)}
		}
	}
	return c, nil
}

// fault describes the first fault of a message.
type fault string

func (f fault) Error() string { return string(f) }

func (m *message) parse(raw json.RawMessage) error {
	var recorded struct {
		Role         json.RawMessage `json:"role"`
		Content      json.RawMessage `json:"content"`
		ToolCalls    json.RawMessage `json:"tool_calls"`
		ToolCallID   json.RawMessage `json:"tool_call_id"`
		Model        json.RawMessage `json:"model"`
		FinishReason json.RawMessage `json:"finish_reason"`
		Usage        json.RawMessage `json:"usage"`
		Timestamp    json.RawMessage `json:"timestamp"`
	}
	if json.Unmarshal(raw, &recorded) != nil {
		return fault("is not a JSON object")
	}
	var ok bool
	if m.role, ok = unquote(recorded.Role); !ok || m.role == "" {
		return fault("has no role")
	}
	if !isNull(recorded.ToolCalls) && json.Unmarshal(recorded.ToolCalls, &m.calls) != nil {
		return fault("has tool_calls of another form than the chat API's")
	}
	m.text = text(recorded.Content)
	m.callID, _ = unquote(recorded.ToolCallID)
	m.model, _ = unquote(recorded.Model)
	m.finish, _ = unquote(recorded.FinishReason)
	m.at = timestamp(recorded.Timestamp)
	if len(recorded.Usage) > 0 && recorded.Usage[0] == '{' {
		m.usage = recorded.Usage
	}
	var line bytes.Buffer
	line.Grow(len(raw))
	if err := json.Compact(&line, raw); err != nil {
		return fault("is not valid JSON")
	}
	m.raw = line.Bytes()
	return nil
}

// text returns the text of a content: a string, or the text among its parts.
func text(content json.RawMessage) string {
	if s, ok := unquote(content); ok {
		return s
	}
	var parts []struct{ Text string }
	if json.Unmarshal(content, &parts) != nil {
		return ""
	}
	var all []string
	for _, p := range parts {
		if p.Text != "" {
			all = append(all, p.Text)
		}
	}
	return strings.Join(all, "\n")
}

// timestamp reads RFC 3339, or a number as jsonscan.UnixTime does; anything else is as if
// not recorded.
func timestamp(raw json.RawMessage) time.Time {
	if s, ok := unquote(raw); ok {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return time.Time{}
		}
		return at
	}
	at, ok := jsonscan.UnixTime(raw)
	if !ok || at.Unix() <= 0 {
		return time.Time{}
	}
	return at
}

// isNull reports whether a value is null or absent.
func isNull(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// unquote returns the text of a JSON string, and false for anything else.
func unquote(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}
