package genai

import "github.com/troupelog/troupe/pricing"

// Form is the shape of a provider's answer.
type Form uint8

// The forms that Normalize distinguishes. Unknown is the zero value.
const (
	Unknown          Form = iota // nothing below
	ChatCompletion               // OpenAI, Azure, and the many that answer alike
	TextCompletion               // OpenAI's legacy completion
	Responses                    // OpenAI Responses
	ErrorBody                    // the error of any provider, in place of an answer
	AnthropicMessage             // Anthropic Messages, also on Bedrock and Vertex
	GeminiContent                // Gemini generateContent
	BedrockConverse              // Bedrock Converse, as REST or as the Go SDK's struct
)

// formNames are the names of the forms for people, by their numbers.
var formNames = [...]string{
	"unknown", "chat completion", "text completion", "responses", "error body",
	"Anthropic message", "Gemini content", "Bedrock converse",
}

// String returns the form's name for people.
func (f Form) String() string {
	if int(f) < len(formNames) {
		return formNames[f]
	}
	return formNames[Unknown]
}

// Result is a model's answer, ready for the wire.
type Result struct {
	// JSON is the answer to send: the slice given to Normalize, or a new one in one
	// line where the answer was brought into the form of a chat completion.
	JSON []byte
	// Form is the form the answer came in.
	Form Form
	// Usage is zero if the result gives none.
	Usage pricing.Usage
	// Failed reports whether the result has an error, instead of or beside a
	// content. A refusal and a blocked prompt are answers, not errors.
	Failed bool
}

// Normalize recognises the JSON of a model's result and returns it in the form in which it
// is logged. A result of no known form is returned as given, with Form Unknown. Normalize
// never writes to raw. It does not check that raw is JSON: invalid text is returned as given
// too, with the Form of its beginning.
//
// In a chat completion made of another form, texts are joined, thoughts are in
// reasoning_content, calls of the caller's tools are in tool_calls, and any other part, such
// as the result of a server tool, makes content a list that holds the part as given. Reasons
// to stop have OpenAI's names if it has one, else the provider's. A result without an id
// gets one made of its content, one without a time the present time. Citations, safety
// ratings, opaque signatures and figures of the service are left out.
func Normalize(raw []byte) Result {
	h := readHead(raw)
	r := Result{JSON: raw, Failed: h.failed}
	var usage []byte
	var chat *Chat
	var ok bool
	switch {
	case is(h.object, "text_completion"):
		r.Form, r.Usage = TextCompletion, usageIn(h.usage)
	case is(h.object, "response"):
		r.Form, r.Usage = Responses, usageIn(h.usage)
		r.Failed = r.Failed || is(h.status, "failed")
	case is(h.object, "chat.completion"), kindOf(h.choices) == kindArray:
		r.Form, r.Usage = ChatCompletion, usageIn(h.usage)
	case r.Failed:
		r.Form = ErrorBody
	case is(h.typ, "message") && is(h.role, "assistant") && kindOf(h.model) == kindText && !is(h.model, "") && kindOf(h.content) == kindArray:
		r.Form = AnthropicMessage
		usage = h.usage
		chat, ok = fromAnthropic(raw, usage)
	case kindOf(h.candidates) == kindArray || kindOf(h.promptFeedback) == kindObject || given(h.usageMetadata):
		r.Form = GeminiContent
		usage = h.usageMetadata
		chat, ok = fromGemini(raw, usage)
	case kindOf(h.output) == kindObject && kindOf(h.stopReason) == kindText:
		r.Form = BedrockConverse
		usage = h.usage
		chat, ok = fromBedrock(raw, usage)
	}
	if r.Form < AnthropicMessage {
		return r
	}
	if ok {
		r.JSON, ok = chat.encode(raw)
	}
	if !ok {
		return Result{JSON: raw}
	}
	r.Usage = usageIn(usage)
	return r
}

// usageIn returns the usage in a member, zero if it is not there.
func usageIn(member []byte) pricing.Usage {
	u, _ := ReadUsage(member)
	return u
}
