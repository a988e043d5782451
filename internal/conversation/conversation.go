package conversation

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/fold"
)

// Conversation is one call of a model: what it was sent, and what it answered.
type Conversation struct {
	Sent []Message // in order, instructions that are sent apart first
	// Answers are the answers in the order they came: those of earlier attempts first.
	// Several with the same Attempt are choices of one result.
	Answers []Answer
}

// Answer is one answer of a model, or the error that came in place of one.
type Answer struct {
	Message
	Attempt int    // from 0 on; the last is the result that counts
	Choice  int    // from 0 on, among those of one attempt
	Finish  string // why the model stopped, in the provider's words; "" if it does not say
	Failed  bool   // there is a Failure among the parts
}

// Of returns the conversation of a generation. Messages that other fields hold, as
// instructions among the parameters do, are part of it. The node is not changed, and
// what is returned shares its JSON.
func Of(n *fold.Node) Conversation {
	var c Conversation
	c.Sent = append(c.Sent, instructions(n)...)
	for _, raw := range n.Messages {
		c.Sent = append(c.Sent, readSent(raw, 0)...)
	}
	if len(n.Messages) == 0 {
		c.Sent = append(c.Sent, readSent(prompt(n), 0)...)
	}
	results := append(append([]json.RawMessage{}, n.Attempts...), n.Result)
	if n.Result == nil {
		results[len(results)-1] = n.Output
	}
	for attempt, raw := range results {
		for choice, a := range readResult(raw) {
			a.Attempt, a.Choice = attempt, choice
			c.Answers = append(c.Answers, a)
		}
	}
	c.match()
	return c
}

// instructionFields are names under which a system prompt is given apart from messages.
var instructionFields = []string{"system", "instructions", "systemInstruction", "system_instruction", "preamble"}

// instructions returns the system messages that a generation has among its parameters or
// its other fields.
func instructions(n *fold.Node) []Message {
	var found []Message
	for _, key := range instructionFields {
		for _, fields := range []map[string]json.RawMessage{n.Other, n.Parameters} {
			if raw := fields[key]; given(raw) {
				found = append(found, systemMessage(raw))
			}
		}
	}
	return found
}

// prompt returns what a model was sent where it was not sent messages.
func prompt(n *fold.Node) json.RawMessage {
	for _, raw := range []json.RawMessage{n.Input, n.Other["prompt"], n.Parameters["prompt"]} {
		if given(raw) {
			return raw
		}
	}
	return nil
}

// Last returns the answer that counts, nil if there is none: the first choice of the last
// attempt.
func (c *Conversation) Last() *Answer {
	if len(c.Answers) == 0 {
		return nil
	}
	last := c.Answers[len(c.Answers)-1].Attempt
	for i := range c.Answers {
		if c.Answers[i].Attempt == last {
			return &c.Answers[i]
		}
	}
	return nil
}

// FirstUser returns the text of the first message of a user that has any.
func (c *Conversation) FirstUser() string {
	for i := range c.Sent {
		if text := c.Sent[i].asked(); text != "" {
			return text
		}
	}
	return ""
}

// LastUser returns the text of the last message of a user that has any.
func (c *Conversation) LastUser() string {
	for i := len(c.Sent) - 1; i >= 0; i-- {
		if text := c.Sent[i].asked(); text != "" {
			return text
		}
	}
	return ""
}

// LastAnswer returns the text of the answer that counts: what it says, or else its
// refusal or the error.
func (c *Conversation) LastAnswer() string {
	last := c.Last()
	if last == nil {
		return ""
	}
	for _, kind := range []PartKind{Text, Refusal, Failure} {
		if text := last.join(kind); text != "" {
			return text
		}
	}
	return ""
}

// Pair returns the call and the result that have a number as Part.Pair. Each is nil if
// there is none.
func (c *Conversation) Pair(number int) (call, result *Part) {
	for _, p := range c.parts() {
		switch {
		case number == 0 || p.Pair != number:
		case p.Kind == ToolCall:
			call = p
		default:
			result = p
		}
	}
	return call, result
}

// asked returns the text that a user wrote in a message, "" if it is not a user's.
func (m *Message) asked() string {
	if m.Role != "user" {
		return ""
	}
	return m.Text()
}
