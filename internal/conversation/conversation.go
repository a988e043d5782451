package conversation

import (
	"encoding/json"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
)

// Conversation is one model call: the messages sent and the answers received.
type Conversation struct {
	Sent []genai.Message // in order; separately sent instructions come first
	// Answers are in order of arrival, with earlier attempts first. Several with the same
	// Attempt are choices of one result.
	Answers []Answer
}

// Answer is one answer of a model, or the error received in place of one.
type Answer struct {
	genai.Message
	Attempt int    // from 0; the last attempt is the final one
	Choice  int    // from 0, within one attempt
	Finish  string // why the model stopped, as the provider puts it; "" if it does not say
	Failed  bool   // the parts include a Failure
}

// Of returns the conversation of a generation. It includes messages that other fields hold,
// such as instructions among the parameters. Of does not change the node; the result
// shares its JSON.
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

// instructions returns the system messages among a generation's parameters and other fields.
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

// prompt returns the input of a generation that has no messages.
func prompt(n *fold.Node) json.RawMessage {
	for _, raw := range []json.RawMessage{n.Input, n.Other["prompt"], n.Parameters["prompt"]} {
		if genai.Given(raw) {
			return raw
		}
	}
	return nil
}

// Last returns the final answer: the first choice of the last attempt. It returns nil if
// there is none.
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

// FirstUser returns the text of the first user message that has any.
func (c *Conversation) FirstUser() string {
	for i := range c.Sent {
		if text := userText(&c.Sent[i]); text != "" {
			return text
		}
	}
	return ""
}

// LastUser returns the text of the last user message that has any.
func (c *Conversation) LastUser() string {
	for i := len(c.Sent) - 1; i >= 0; i-- {
		if text := userText(&c.Sent[i]); text != "" {
			return text
		}
	}
	return ""
}

// LastAnswer returns the text of the final answer or, failing that, its refusal or error.
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

// Pair returns the call and the result whose Part.Pair is number. Each is nil if there is
// none.
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

// userText returns the text of a user message, or "" for a message of another role.
func userText(m *genai.Message) string {
	if m.Role != "user" {
		return ""
	}
	return m.Text()
}

// History returns the messages sent and the final answer. The next call of the same
// conversation begins with them.
func (c *Conversation) History() []genai.Message {
	history := c.Sent[:len(c.Sent):len(c.Sent)]
	if last := c.Last(); last != nil && !last.Failed {
		history = append(history, last.Message)
	}
	return history
}
