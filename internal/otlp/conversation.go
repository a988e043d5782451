package otlp

import "strings"

// conversation holds the messages sent to a model and its answers, in OpenAI's form.
type conversation struct {
	sent    []any
	answers []any // choices
}

// conversationOf reads the messages in a span's attributes and events. It consults the
// earlier conventions only if the later ones yield nothing.
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

// said returns the messages of the model's answers.
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

// choice adds one answer of the model. raw is its finish reason.
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

// indexed returns the messages of the first prefix that has any, as in
// gen_ai.prompt.0.role. It marks the attributes of all prefixes as used.
func indexed(a attributes, prefixes ...string) []any {
	all := []any{}
	for _, prefix := range prefixes {
		elements := list(a.tree(prefix))
		if len(elements) == 0 {
			elements = list(parsed(a.get(prefix)))
		}
		if len(all) > 0 {
			continue // the messages found above are the same
		}
		for _, element := range elements {
			all = append(all, unwrapped(element))
		}
	}
	return all
}

// unwrapped unwraps prompts such as llm.prompts.N.prompt.text.
func unwrapped(v any) any {
	for _, name := range []string{"prompt", "completion"} {
		if text := member(v, name, "text"); text != nil {
			return text
		}
	}
	return v
}

// roleOfEvent maps the events that are messages to their roles.
var roleOfEvent = map[string]string{
	"gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
	"gen_ai.tool.message": "tool", "gen_ai.choice": "assistant",
}

// event reads an event that is a message or has messages. Such an event is not logged as one.
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

// body returns the members of an event that is a message: its attributes, or the JSON body
// in one of them. Prefixes of names are removed.
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
