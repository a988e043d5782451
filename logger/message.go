package logger

import (
	"github.com/troupelog/troupe/internal/media"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Message is one message of a chat, as the model was sent it.
type Message struct {
	Role    string // system, user, assistant, tool, …
	Content any    // a string, or parts with a JSON form; nil is sent as null

	Name       string            // optional: who speaks
	ToolCalls  []MessageToolCall // what an assistant message asks for
	ToolCallID string            // the call that a tool message answers

	whole []byte // set by MessageOf: JSON sent in place of the fields
	bad   error  // set by MessageOf: why there is no JSON
}

// MessageToolCall is a call that an assistant message asks for.
type MessageToolCall struct {
	ID        string // the provider's id of the call
	Name      string // the function
	Arguments string // JSON text
}

// MessageOf returns a message that is sent as the JSON of v: a message type of a
// provider's SDK, a map, or raw JSON. It is encoded once, now, so a history is cheap
// to log again with every generation. A value without JSON is reported when the
// message is logged.
func MessageOf(v any) Message {
	whole, err := wire.Encode(v, messageDepth)
	if err != nil {
		return Message{bad: err}
	}
	return Message{whole: whole}
}

// messageDepth is how many arrays and objects a line has around a message.
const messageDepth = 2

// messages writes the messages field, without the images in them, which are
// returned. A message without JSON is left out and reported.
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

// newestMessages is how many of the last messages are cut last, where not all fit.
const newestMessages = 4

// crowded reports whether messages are more than twice what a line holds. Then the long
// texts of the older ones are cut before they are encoded.
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

// mayHoldImages is false for plain text that is not a tool's: that of a tool may be JSON
// with images in it.
func (m *Message) mayHoldImages() bool {
	_, text := m.Content.(string)
	return !text || m.whole != nil || m.Role == "tool"
}

// extract takes the images out of the message that was written behind before.
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
