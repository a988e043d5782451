package completion

import (
	"encoding/json"
	"errors"
)

// Form is the shape of a provider's answer.
type Form uint8

// The forms that Normalize tells apart. Unknown is the zero value.
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
	// Usage is the token count of the answer, zero where it gives none.
	Usage Usage
	// Failed reports whether the answer tells of an error, instead of or beside a
	// content. A refusal and a blocked prompt are answers, not errors.
	Failed bool
}

// Normalize recognises the JSON of a model's answer and returns it in the form it
// is sent in. What it does not recognise, invalid JSON included, is returned as
// given with Form Unknown. It never writes to raw.
//
// In a chat completion made of another form, text is joined, thoughts are in
// reasoning_content, calls of the caller's tools are in tool_calls, and any other
// part, such as the result of a tool that the provider ran, makes content a list
// that holds the part as given. Reasons to stop have OpenAI's names where it has
// one, else the provider's. An answer without an id gets one made of its content,
// one without a time the present. Citations, safety ratings, opaque signatures
// and figures of the service are left out.
func Normalize(raw []byte) Result {
	var h head
	if decodeLeniently(raw, &h) != nil {
		return Result{JSON: raw}
	}
	r := Result{JSON: raw, Failed: bool(h.Error)}
	var chat *chatCompletion
	var ok bool
	switch {
	case h.Object == "text_completion":
		r.Form, r.Usage = TextCompletion, openAIUsage(h.Usage)
	case h.Object == "response":
		r.Form, r.Usage = Responses, responsesUsage(h.Usage)
		r.Failed = r.Failed || h.Status == "failed"
	case h.Object == "chat.completion", h.Choices == array:
		r.Form, r.Usage = ChatCompletion, openAIUsage(h.Usage)
	case r.Failed:
		r.Form = ErrorBody
	case h.Type == "message" && h.Role == "assistant" && h.Model != "" && h.Content == array:
		r.Form = AnthropicMessage
		chat, ok = fromAnthropic(raw, h.Usage)
	case h.Candidates == array || h.PromptFeedback == object || given(h.UsageMetadata):
		r.Form = GeminiContent
		chat, ok = fromGemini(raw, h.UsageMetadata)
	case h.Output == object && h.StopReason == text:
		r.Form = BedrockConverse
		chat, ok = fromBedrock(raw, h.Usage)
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
	r.Usage = chat.Usage.totals()
	return r
}

// head is what tells the forms apart. encoding/json matches names without regard
// to case, which is what makes Bedrock's REST and struct names one.
type head struct {
	Object string  `json:"object"`
	Status string  `json:"status"`
	Error  failure `json:"error"`

	Choices kind            `json:"choices"`
	Usage   json.RawMessage `json:"usage"`

	Type    string `json:"type"`
	Role    string `json:"role"`
	Model   string `json:"model"`
	Content kind   `json:"content"`

	Candidates     kind            `json:"candidates"`
	PromptFeedback kind            `json:"promptFeedback"`
	UsageMetadata  json.RawMessage `json:"usageMetadata"`

	Output     kind `json:"output"`
	StopReason kind `json:"stopReason"`
}

// decodeLeniently decodes what fits and leaves out members of another type.
func decodeLeniently(raw []byte, to any) error {
	err := json.Unmarshal(raw, to)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

// kind is the first byte of a value. It tells what the value is without the copy
// that a json.RawMessage makes.
type kind byte

const (
	array  kind = '['
	object kind = '{'
	text   kind = '"'
)

// UnmarshalJSON notes the kind of a value.
func (k *kind) UnmarshalJSON(value []byte) error {
	*k = kind(value[0])
	return nil
}

// failure reports whether an error member says anything: SDKs encode the absence
// of an error as null or as an object of empty members.
type failure bool

// UnmarshalJSON looks for anything but null, "", 0 and false.
func (f *failure) UnmarshalJSON(value []byte) error {
	var v any
	if err := decodeLeniently(value, &v); err != nil {
		return err
	}
	*f = failure(saysAnything(v))
	return nil
}

func saysAnything(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if saysAnything(member) {
				return true
			}
		}
		return false
	case []any:
		return len(v) > 0
	}
	return v != nil && v != "" && v != 0.0 && v != false
}
