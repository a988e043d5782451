package otlp

import "strings"

// conversation is what a model was sent and what it answered, in OpenAI's form.
type conversation struct {
	sent    []any
	answers []any // choices
}

// conversationOf reads the messages that a span has in its attributes and events. What is
// in an earlier form is read only where a later one has nothing.
func conversationOf(s *span) conversation {
	var c conversation
	c.read(s.attributes)
	for i := range s.events {
		c.event(&s.events[i])
	}
	sent := indexed(s.attributes, "gen_ai.prompt", "llm.input_messages", "llm.prompts")
	if len(c.sent) == 0 {
		for _, raw := range sent {
			c.sent = append(c.sent, message(raw, "user")...)
		}
	}
	answers := indexed(s.attributes, "gen_ai.completion", "llm.output_messages", "llm.completions")
	if len(c.answers) == 0 {
		c.choices(answers)
	}
	return c
}

// read reads the attributes of the current conventions.
func (c *conversation) read(a attributes) {
	if instructions := a.get("gen_ai.system_instructions"); instructions != nil {
		c.sent = append(c.sent, systemMessage(instructions)...)
	}
	if sent := a.get("gen_ai.input.messages"); sent != nil {
		c.sent = append(c.sent, messages(sent, "user")...)
	}
	if answers := a.get("gen_ai.output.messages"); answers != nil {
		c.choices(list(parsed(answers)))
	}
}

// said returns the messages that the model answered with.
func (c *conversation) said() []any {
	var said []any
	for _, choice := range c.answers {
		said = append(said, member(choice, "message"))
	}
	return said
}

// systemMessage returns instructions: a text, or a list of parts.
func systemMessage(v any) []any {
	if parts, ok := parsed(v).([]any); ok {
		return fromParts(object{}, parts, "system")
	}
	return message(v, "system")
}

// choice adds what a model answered with. raw says how it ended.
func (c *conversation) choice(raw any, answer []any) {
	for _, m := range answer {
		choice := object{"index": int64(len(c.answers)), "message": m}
		if o, ok := parsed(raw).(object); ok {
			if reason := textOf(o["finish_reason"]); reason != "" {
				choice["finish_reason"] = reason
			}
		}
		c.answers = append(c.answers, choice)
	}
}

func (c *conversation) choices(answers []any) {
	for _, raw := range answers {
		c.choice(raw, message(raw, "assistant"))
	}
}

// indexed returns the messages of the first of the prefixes that has any, as in
// gen_ai.prompt.0.role. All of them have then a place of their own.
func indexed(a attributes, prefixes ...string) []any {
	all := []any{}
	for _, prefix := range prefixes {
		elements := list(a.tree(prefix))
		if len(elements) == 0 {
			elements = list(parsed(a.get(prefix)))
		}
		if len(all) > 0 {
			continue // what was read above is the same
		}
		for _, element := range elements {
			all = append(all, unwrapped(element))
		}
	}
	return all
}

// unwrapped returns the prompt of llm.prompts.N.prompt.text and the like.
func unwrapped(v any) any {
	for _, name := range []string{"prompt", "completion"} {
		if text := member(v, name, "text"); text != nil {
			return text
		}
	}
	return v
}

// roleOfEvent are the events that are messages, and their roles.
var roleOfEvent = map[string]string{
	"gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
	"gen_ai.tool.message": "tool", "gen_ai.choice": "assistant",
}

// event reads an event that is a message, or has messages. It is no event then.
func (c *conversation) event(e *event) {
	role, isMessage := roleOfEvent[e.name]
	switch {
	case isMessage:
		e.used = true
		o := e.body()
		if id := o["id"]; role == "tool" && o["tool_call_id"] == nil && id != nil {
			o["tool_call_id"] = id
		}
		if e.name != "gen_ai.choice" {
			c.sent = append(c.sent, message(o, role)...)
			return
		}
		answer := o
		if inner, ok := parsed(o["message"]).(object); ok {
			answer = inner
		} else if text := o["message"]; text != nil && o["content"] == nil {
			answer["content"] = text
		}
		c.choice(o, message(answer, role))
	case e.name == "gen_ai.client.inference.operation.details":
		e.used = true
		c.read(e.attributes)
	case e.name == "gen_ai.content.prompt":
		e.used = true
		c.sent = append(c.sent, messages(e.attributes.get("gen_ai.prompt"), "user")...)
	case e.name == "gen_ai.content.completion":
		e.used = true
		completion := parsed(e.attributes.get("gen_ai.completion"))
		if list(completion) == nil {
			completion = []any{completion}
		}
		c.choices(list(completion))
	}
}

// body returns the members of an event that is a message: its attributes, or the JSON of
// a body that one of them holds. Where names have a prefix it is left out.
func (e *event) body() object {
	for _, key := range []string{"gen_ai.event.content", "event.body", "body"} {
		if o, ok := parsed(e.attributes.peek(key)).(object); ok {
			return o
		}
	}
	o := object{}
	for _, a := range e.attributes {
		o[strings.TrimPrefix(strings.TrimPrefix(a.key, "gen_ai."), "message.")] = a.value
	}
	return o
}
