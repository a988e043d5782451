package conversation

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
)

// Conversation is one call of a model: what it was sent, and what it answered.
type Conversation struct {
	Sent []genai.Message // in order, instructions that are sent apart first
	// Answers are the answers in the order they came: those of earlier attempts first.
	// Several with the same Attempt are choices of one result.
	Answers []Answer
}

// Answer is one answer of a model, or the error that came in place of one.
type Answer struct {
	genai.Message
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
		c.Sent = append(c.Sent, genai.ReadMessages(raw)...)
	}
	if len(n.Messages) == 0 {
		c.Sent = append(c.Sent, genai.ReadMessages(prompt(n))...)
	}
	results := append(append([]json.RawMessage{}, n.Attempts...), n.Result)
	if n.Result == nil {
		results[len(results)-1] = n.Output
	}
	for attempt, raw := range results {
		for i, choice := range genai.ReadChoices(raw) {
			c.Answers = append(c.Answers, Answer{
				Message: choice.Message, Attempt: attempt, Choice: i, Finish: choice.Finish, Failed: choice.Failed,
			})
		}
	}
	c.match()
	return c
}

// instructions returns the system messages that a generation has among its parameters or
// its other fields.
func instructions(n *fold.Node) []genai.Message {
	var found []genai.Message
	for _, key := range genai.InstructionFields() {
		for _, fields := range []map[string]json.RawMessage{n.Other, n.Parameters} {
			if raw := fields[key]; genai.Given(raw) {
				found = append(found, genai.ReadInstructions(raw))
			}
		}
	}
	return found
}

// prompt returns what a model was sent where it was not sent messages.
func prompt(n *fold.Node) json.RawMessage {
	for _, raw := range []json.RawMessage{n.Input, n.Other["prompt"], n.Parameters["prompt"]} {
		if genai.Given(raw) {
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
		if text := userText(&c.Sent[i]); text != "" {
			return text
		}
	}
	return ""
}

// LastUser returns the text of the last message of a user that has any.
func (c *Conversation) LastUser() string {
	for i := len(c.Sent) - 1; i >= 0; i-- {
		if text := userText(&c.Sent[i]); text != "" {
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
	for _, kind := range []genai.PartKind{genai.PartText, genai.PartRefusal, genai.PartFailure} {
		if text := last.Join(kind); text != "" {
			return text
		}
	}
	return ""
}

// Pair returns the call and the result that have a number as Part.Pair. Each is nil if
// there is none.
func (c *Conversation) Pair(number int) (call, result *genai.Part) {
	for _, p := range c.parts() {
		switch {
		case number == 0 || p.Pair != number:
		case p.Kind == genai.PartToolCall:
			call = p
		default:
			result = p
		}
	}
	return call, result
}

// userText returns the text that a user wrote in a message, "" if it is not a user's.
func userText(m *genai.Message) string {
	if m.Role != "user" {
		return ""
	}
	return m.Text()
}

// History returns what was sent and the answer that counts: what the next call of the
// same conversation begins with.
func (c *Conversation) History() []genai.Message {
	history := c.Sent[:len(c.Sent):len(c.Sent)]
	if last := c.Last(); last != nil && !last.Failed {
		history = append(history, last.Message)
	}
	return history
}
