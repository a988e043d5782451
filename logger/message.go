package logger

import (
	"github.com/troupelog/troupe/internal/media"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Message is one message of the conversation that is sent to a model.
type Message struct {
	// Role is the author: system, user, assistant, tool and the like.
	Role string
	// Content is a string, or parts with a JSON form in the provider's own format. Nil is sent
	// as null, as assistant messages with tool calls have it.
	Content any

	// Name is the name of the speaker, if there are several with one role.
	Name string
	// ToolCalls are the calls that an assistant message requests.
	ToolCalls []MessageToolCall
	// ToolCallID is the call whose result a tool message carries.
	ToolCallID string

	whole []byte // set by MessageOf: JSON sent in place of the fields; immutable
	bad   error  // set by MessageOf: the error of encoding
}

// MessageToolCall is a tool call that an assistant message requests.
type MessageToolCall struct {
	ID        string // the provider's id of the call
	Name      string // the function
	Arguments string // JSON text
}

// MessageOf returns a message that is sent as the JSON of v: a message type of a provider's
// SDK, a map, or raw JSON. It encodes v now, once, so that logging a history again with
// every generation is cheap. A value without a JSON form is reported when the message is
// logged.
func MessageOf(v any) Message {
	whole, err := wire.Encode(v, messageDepth)
	if err != nil {
		return Message{bad: err}
	}
	return Message{whole: whole}
}

// messageDepth is the number of arrays and objects around a message in a line.
const messageDepth = 2

// messages writes the messages field and returns the images that it took out of the
// messages. A message without a JSON form is left out and reported.
func (p *pipeline) messages(w *wire.Encoder, ref messages.Ref, action messages.Action, list []Message) []image {
	w.Name("messages")
	w.Open('[')
	var images []image
	crowded := crowded(list)
	for i := range list {
		w.Tight(crowded && i < len(list)-newestMessages && list[i].Role != "system")
		before := w.Place()
		if err := list[i].write(w); err != nil {
			w.Return(before)
			p.reportDropped(ref, action, "a message", err, true)
			continue
		}
		if list[i].mayHoldImages() {
			images = append(images, extract(w, before)...)
		}
	}
	w.Close(']')
	w.Tight(false)
	return images
}

// newestMessages is the number of messages at the end that are cut last, if not all fit.
const newestMessages = 4

// crowded reports whether messages exceed twice the limit of a line. The long texts of the
// older ones are then cut before they are encoded, which bounds the memory of a call.
func crowded(list []Message) bool {
	size := 0
	for i := range list {
		size += len(list[i].whole)
		if text, ok := list[i].Content.(string); ok {
			size += len(text)
		} else if list[i].Content != nil {
			size += oversize.Measure(list[i].Content, protocol.MaxDepth).Bytes
		}
	}
	return size > 2*oversize.Limit
}

// mayHoldImages reports whether a message can contain images. Plain text cannot, except the
// text of a tool, which may be JSON.
func (m *Message) mayHoldImages() bool {
	_, text := m.Content.(string)
	return !text || m.whole != nil || m.Role == "tool"
}

// extract takes the images out of the message that was written after the place before.
func extract(w *wire.Encoder, before wire.Place) []image {
	written := w.Since(before)
	comma := 0
	if len(written) > 0 && written[0] == ',' {
		comma = 1
	}
	if !media.MayHold(written) {
		return nil
	}
	stripped, images, err := media.Extract(written[comma:])
	if err != nil || len(images) == 0 {
		return nil
	}
	w.Replace(before, stripped)
	return images
}

// write writes the message as an element of an array.
func (m *Message) write(w *wire.Encoder) error {
	switch {
	case m.bad != nil:
		return m.bad
	case m.whole != nil:
		w.Encoded(m.whole)
		return nil
	}
	w.Open('{')
	w.Optional("role", m.Role)
	if err := w.Any("content", m.Content); err != nil {
		return err
	}
	w.Optional("name", m.Name)
	w.Optional("tool_call_id", m.ToolCallID)
	if len(m.ToolCalls) > 0 {
		w.Name("tool_calls")
		w.Open('[')
		for i := range m.ToolCalls {
			m.ToolCalls[i].write(w)
		}
		w.Close(']')
	}
	w.Close('}')
	return nil
}

// write writes the call in the form of the chat completions API.
func (c *MessageToolCall) write(w *wire.Encoder) {
	w.Open('{')
	w.String("id", c.ID)
	w.String("type", "function")
	w.Name("function")
	w.Open('{')
	w.String("name", c.Name)
	w.String("arguments", c.Arguments)
	w.Close('}')
	w.Close('}')
}
