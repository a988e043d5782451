package logger

import (
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Result logs the model's response and ends the generation. It takes the response types of
// the providers' SDKs, maps, structs and raw JSON. Anthropic, Gemini and Bedrock responses
// are sent in the form of an OpenAI chat completion. A response of no known form is sent as
// given and reported with ErrUnknownResult; one without a JSON form is reported with
// ErrUnencodable. The generation is ended in any case.
func (g Generation) Result(response any) {
	if g.pipe == nil {
		return
	}
	defer g.end(EndConfig{}, true)
	w := g.pipe.line(g.ref, messages.Result)
	if w == nil {
		return
	}
	w.Name("result")
	begin := w.Place()
	if err := encodeResult(w, response); err != nil {
		w.Release()
		g.pipe.reportDropped(g.ref, messages.Result, "result", err, false)
		return
	}
	normal := genai.Normalize(w.Since(begin))
	if normal.Form == genai.Unknown {
		g.pipe.suspect(g.pipe.problem(g.ref, messages.Result, ErrUnknownResult, "it is sent as given"))
	}
	g.addPrice(normal.JSON, normal.Usage)
	w.Replace(begin, normal.JSON) // in place, if it is sent as given
	facts := messages.Command{Action: messages.Result, Failed: normal.Failed}
	if normal.Usage != (pricing.Usage{}) {
		facts.Cost = &messages.Cost{Usage: normal.Usage}
	}
	g.send(w, facts)
}

// Failure describes the error of a failed model or tool call. Every field is optional.
type Failure struct {
	// Message is the text of the error, for people.
	Message string
	// Code is the provider's code, such as 429.
	Code string
	// Type is the provider's kind of error, such as rate_limit_exceeded.
	Type string
}

// Fail logs that the model call failed, and ends the generation. Use Attempt for a failure
// that is retried.
func (g Generation) Fail(f Failure) {
	if g.pipe == nil {
		return
	}
	defer g.end(EndConfig{}, true)
	g.Attempt(f)
}

// Attempt logs a failed attempt of a model call that is tried again. Unlike Fail it does
// not end the generation: the last result logged is the outcome.
func (g Generation) Attempt(f Failure) {
	if g.pipe == nil {
		return
	}
	w := g.pipe.line(g.ref, messages.Result)
	if w == nil {
		return
	}
	w.Name("result")
	w.Open('{')
	w.Name("error")
	w.Open('{')
	w.String("message", f.Message)
	w.String("code", f.Code)
	w.String("type", f.Type)
	w.Close('}')
	w.String("id", newID())
	w.Close('}')
	g.send(w, messages.Command{Action: messages.Result, Failed: true})
}

// encodeResult writes the JSON of a result. The response types of openai-go and
// anthropic-sdk-go keep the JSON they were decoded from: it is sent as it was, because
// encoding them again would add every field that the response lacked.
func encodeResult(w *wire.Encoder, v any) error {
	if raw := rawJSON(v); raw != "" {
		return w.ElementText(raw)
	}
	return w.Element(v)
}

// rawJSON returns the JSON that a value was decoded from, or "" if it has no RawJSON method
// or the method panics.
func rawJSON(v any) (raw string) {
	defer func() {
		if recover() != nil {
			raw = ""
		}
	}()
	if r, ok := v.(interface{ RawJSON() string }); ok {
		return r.RawJSON()
	}
	return ""
}
