package genai

import (
	"encoding/json"
	"strings"
)

// Message is one message of a conversation.
type Message struct {
	Role  string // "system", "developer", "user", "assistant", "tool", or as the client has it
	Name  string // of the speaker or tool, if given
	Parts []Part
	// Raw is the message as the client sent it; of an answer made of several items, all
	// of them. It is nil if the message is not a separate JSON value.
	Raw json.RawMessage
}

// PartKind is the kind of a part.
type PartKind string

// Kinds of parts. Whatever is none of the others is Other, with its JSON in Raw.
const (
	PartText       PartKind = "text"
	PartReasoning  PartKind = "reasoning" // Text is empty if only the provider can read it
	PartRefusal    PartKind = "refusal"
	PartImage      PartKind = "image"
	PartAudio      PartKind = "audio"
	PartFile       PartKind = "file"
	PartToolCall   PartKind = "tool_call"
	PartToolResult PartKind = "tool_result"
	PartFailure    PartKind = "error" // the provider's error, in place of an answer or beside it
	PartOther      PartKind = "other"
)

// Part is a piece of a message.
type Part struct {
	Kind PartKind
	// Text is the text of a Text, Reasoning, Refusal, ToolResult or Failure; the transcript
	// of Audio; the title or name of a File.
	Text string

	// Of Image, Audio and File: either a reference, never to be fetched, or the bytes.
	MIME string // as the client says; "" if it does not
	URL  string // a reference elsewhere, or a provider's file id
	Data string // base64, as sent, without the head of a data: URL

	// Of ToolCall and ToolResult.
	CallID    string
	Tool      string          // name of the tool
	Arguments json.RawMessage // of ToolCall: JSON, parsed out of the string that most providers send; a JSON string if that is no JSON
	Result    json.RawMessage // of ToolResult: the JSON of a result that is more than text, also parsed out of Text
	Failed    bool            // of ToolResult: it is marked as an error
	// Pair is a number, from 1 on, that a call and its result share within a
	// Conversation; 0 for one that has no counterpart there.
	Pair int
	// Unmatched marks a result without a call, and a call that was sent to the model
	// without a result. Calls in the last answer are not marked: their results
	// are known to the next model call.
	Unmatched bool

	Raw json.RawMessage // the part as sent, if it is a separate JSON value
}

// Text returns the text of a message: its Text parts, one per line.
func (m *Message) Text() string { return m.Join(PartText) }

// Join returns the texts of the parts of one kind, one per line.
func (m *Message) Join(kind PartKind) string {
	var texts []string
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind == kind && p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}
