package genai

import (
	"encoding/json"
)

// Choice is one answer in a result, or the error that came in its place.
type Choice struct {
	Message
	Finish string // why the model stopped, in the provider's words; "" if it does not say
	Failed bool   // a part is a PartFailure
}

// ReadChoices reads the result of a model call: the answers in it, and its error if it has
// one. Members beside them, such as ids and usage, are no part of a conversation.
func ReadChoices(raw json.RawMessage) []Choice {
	if !given(raw) {
		return nil
	}
	if s, ok := stringOf(raw); ok {
		if inside := parsed(s); inside != nil {
			raw = inside
		} else {
			return []Choice{{Message: plainMessage("assistant", s, raw)}}
		}
	}
	o := objectOf(raw)
	answers := answersIn(raw, &o)
	if failure := o.get("error"); failure != nil {
		answers = withFailure(answers, failure)
	}
	if len(answers) == 0 {
		answers = []Choice{{Message: Message{Role: "assistant", Raw: raw, Parts: []Part{{Kind: PartOther, Raw: raw}}}}}
	}
	return answers
}

// answersIn returns the answers of a result, none if it has none that are known.
func answersIn(raw json.RawMessage, o *object) []Choice {
	switch {
	case isArray(raw):
		return listed(raw)
	case isArray(o.get("choices")):
		return each(o.get("choices"), choice)
	case isArray(o.get("candidates")), o.has("promptFeedback"):
		return append(each(o.get("candidates"), candidate), blocked(o)...)
	case isArray(o.get("output")):
		return []Choice{items(o)}
	case isObject(o.get("output")):
		output := o.sub("output")
		if inside := output.get("message", "Value"); isObject(inside) {
			return []Choice{{Message: message(inside, "assistant", 0), Finish: o.text("stopReason", "StopReason")}}
		}
	case isObject(o.get("message")):
		return []Choice{{Message: message(o.get("message"), "assistant", 0), Finish: o.text("done_reason", "finish_reason")}}
	case o.has("role") || isArray(o.get("content")) || isMessage(o) && !o.has("error"):
		return []Choice{{Message: ownMessage(raw), Finish: o.text("stop_reason", "finish_reason")}}
	case o.text("type") != "" && typed[o.text("type")] != nil:
		return []Choice{{Message: Message{Role: "assistant", Parts: contents(raw, 0), Raw: raw}}}
	}
	return plainAnswer(raw, o)
}

// each reads the elements of a list.
func each(list json.RawMessage, read func(json.RawMessage) Choice) []Choice {
	var answers []Choice
	for _, raw := range elementsOf(list) {
		answers = append(answers, read(raw))
	}
	return answers
}

// choice reads a choice of a chat completion or of a completion.
func choice(raw json.RawMessage) Choice {
	o := objectOf(raw)
	a := Choice{Finish: o.text("finish_reason")}
	if inside := o.get("message", "delta"); inside != nil {
		a.Message = message(inside, "assistant", 0)
		return a
	}
	if text, ok := stringOf(o.get("text")); ok {
		a.Message = plainMessage("assistant", text, raw)
		return a
	}
	a.Message = Message{Role: "assistant", Raw: raw, Parts: []Part{{Kind: PartOther, Raw: raw}}}
	return a
}

// candidate reads a candidate of Gemini.
func candidate(raw json.RawMessage) Choice {
	o := objectOf(raw)
	a := Choice{Finish: o.text("finishReason", "finish_reason"), Message: Message{Role: "assistant", Raw: raw}}
	if content := o.get("content"); content != nil {
		a.Message = message(content, "assistant", 0)
	}
	if text := o.text("finishMessage"); text != "" {
		a.Parts = append(a.Parts, Part{Kind: PartRefusal, Text: text})
	}
	return a
}

// blocked returns the refusal of a prompt by Gemini.
func blocked(o *object) []Choice {
	feedback := o.sub("promptFeedback")
	reason := feedback.text("blockReason")
	if reason == "" {
		return nil
	}
	text := feedback.text("blockReasonMessage")
	if text == "" {
		text = reason
	}
	raw := o.get("promptFeedback")
	refusal := Part{Kind: PartRefusal, Text: text, Raw: raw}
	return []Choice{{Finish: reason, Message: Message{Role: "assistant", Parts: []Part{refusal}, Raw: raw}}}
}

// items reads the output of the Responses interface, whose items are one answer.
func items(o *object) Choice {
	raw := o.get("output")
	details := o.sub("incomplete_details")
	a := Choice{Finish: details.text("reason"), Message: Message{Role: "assistant", Raw: raw}}
	if a.Finish == "" {
		a.Finish = o.text("status")
	}
	for _, item := range elementsOf(raw) {
		a.Parts = append(a.Parts, message(item, "assistant", 1).Parts...)
	}
	return a
}

// answerFields are members beside the content of an answer that is a message itself.
var answerFields = map[string]bool{
	"usage": true, "metrics": true, "stop_reason": true, "stop_sequence": true, "finish_reason": true, "model": true,
	"container": true, "context_management": true,
}

// ownMessage reads an answer that is itself a message, as Anthropic's results are: members
// of the result beside the content, such as the usage, are left out.
func ownMessage(raw json.RawMessage) Message {
	o := objectOf(raw)
	inside := []byte{}
	for _, m := range o.members {
		if answerFields[m.key] || m.key == "error" {
			continue
		}
		inside = append(append(appendString(append(inside, ','), m.key), ':'), m.value...)
	}
	if len(inside) == 0 {
		return Message{Role: "assistant", Raw: raw}
	}
	inside[0] = '{'
	m := message(append(inside, '}'), "assistant", 0)
	m.Raw = raw
	return m
}

// plainAnswer reads results that have their text in a single member: Ollama's generate,
// Cohere's older API, models on Bedrock and Hugging Face.
func plainAnswer(raw json.RawMessage, o *object) []Choice {
	text := o.takeText("text", "completion", "response", "generated_text", "output_text", "generation", "outputText", "content", "output", "message")
	m := Message{Role: "assistant", Raw: raw}
	m.thoughts(o)
	if text != "" {
		m.Parts = append(m.Parts, Part{Kind: PartText, Text: text})
	}
	m.extras(o)
	if len(m.Parts) == 0 {
		return nil
	}
	return []Choice{{Message: m, Finish: o.text("done_reason", "finish_reason", "stop_reason")}}
}

// listed reads a result that is a list: of messages, of results, or of parts.
func listed(raw json.RawMessage) []Choice {
	first := object{}
	for _, element := range elementsOf(raw) {
		first = objectOf(element)
		break
	}
	if first.has("role") {
		return each(raw, func(m json.RawMessage) Choice { return Choice{Message: message(m, "assistant", 1)} })
	}
	return []Choice{{Message: Message{Role: "assistant", Parts: contents(raw, 0), Raw: raw}}}
}

// withFailure adds an error to the first answer.
func withFailure(answers []Choice, raw json.RawMessage) []Choice {
	if len(answers) == 0 {
		answers = []Choice{{Message: Message{Role: "assistant", Raw: raw}}}
	}
	text, ok := stringOf(raw)
	if o := objectOf(raw); !ok {
		text = o.text("message", "error", "type", "code")
	}
	answers[0].Failed = true
	answers[0].Parts = append(answers[0].Parts, Part{Kind: PartFailure, Text: text, Raw: raw})
	return answers
}
