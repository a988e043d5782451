// Package chat reads the messages of model calls, in whatever form providers have them,
// as one conversation: who said what, which tools were called with which arguments, and
// what each call came back with.
package chat

import "encoding/json"

// Message is one message of a conversation.
type Message struct {
	Role  string // "system", "developer", "user", "assistant", "tool", or as the client has it
	Name  string // of the speaker or tool, if given
	Parts []Part
	// Raw is the message as the client sent it. Hash and diffs are made of it.
	Raw json.RawMessage
}

// PartKind says what a part of a message is.
type PartKind string

// Kinds of parts. Whatever is none of the others is Other, with its JSON in Raw.
const (
	Text       PartKind = "text"
	Reasoning  PartKind = "reasoning"
	Refusal    PartKind = "refusal"
	Image      PartKind = "image"
	Audio      PartKind = "audio"
	File       PartKind = "file"
	ToolCall   PartKind = "tool_call"
	ToolResult PartKind = "tool_result"
	Other      PartKind = "other"
)

// Part is a piece of a message.
type Part struct {
	Kind PartKind
	Text string // of Text, Reasoning, Refusal, ToolResult; the transcript of Audio

	// Of Image, Audio and File: either a reference, never to be fetched, or the bytes'
	// size and base64 text within Raw.
	MIME string
	URL  string // a reference elsewhere
	Data string // base64, as sent

	// Of ToolCall and ToolResult.
	CallID    string
	Tool      string          // name of the tool
	Arguments json.RawMessage // of ToolCall: an object, parsed out of the string that most providers send
	Failed    bool            // of ToolResult: the provider marked it as an error
	Unmatched bool            // set by Conversation: a call without a result, or a result without a call

	Raw json.RawMessage // the part as sent, where it is JSON of its own
}
