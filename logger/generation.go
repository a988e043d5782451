package logger

import (
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/completion"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// GenerationConfig begins a generation: one call of a model. Every field is optional.
type GenerationConfig struct {
	ID       string    // default: a new UUID
	Name     string    // what the viewer shows
	SpanID   string    // the span it is part of; a span's own AddGeneration sets it
	Model    string    // the provider's name of the model
	Provider string    // sent in lower case; "" is sent as unknown
	Messages []Message // what the model was sent, so far

	// ModelParameters are temperature and the like. Values other than strings are sent
	// as their JSON; nil values are left out.
	ModelParameters map[string]any

	MaximPromptID        string // a prompt managed by the server
	MaximPromptVersionID string // its version
	Tags                 map[string]string
	StartTime            time.Time // default: now
	EndTime              time.Time // for a call that is over already
}

func provider(name string) string {
	if name == "" {
		return "unknown"
	}
	return strings.ToLower(name)
}

// Generation is the handle of a model call. Its methods may be called concurrently;
// on a nil or zero handle they do nothing.
type Generation struct {
	entity
	bill *bill // nil where nothing is priced
}

func (g *Generation) e() entity {
	if g == nil {
		return entity{}
	}
	return g.entity
}

// ID returns the generation's id, as it was given.
func (g *Generation) ID() string { return g.e().id() }

// SetModel sets the model's name.
func (g *Generation) SetModel(model string) { g.e().text("model", model) }

// SetProvider sets the provider's name, in lower case.
func (g *Generation) SetProvider(name string) { g.e().text("provider", provider(name)) }

// SetName sets the generation's name.
func (g *Generation) SetName(name string) { g.e().text("name", name) }

// SetModelParameters sets parameters, as GenerationConfig.ModelParameters.
func (g *Generation) SetModelParameters(p map[string]any) { g.e().setModelParameters(p) }

func (e entity) setModelParameters(p map[string]any) {
	e.update(messages.Update, func(w *wire.Encoder) bool {
		e.log.jsonTexts(w, e.ref, messages.Update, "modelParameters", p, false)
		return true
	})
}

// AddMessage adds a message to what the model was sent. Images in it become
// attachments; the caller's value is never changed.
func (g *Generation) AddMessage(m Message) { g.e().addMessage(m) }

func (e entity) addMessage(m Message) {
	var images []image
	e.update(messages.Update, func(w *wire.Encoder) bool {
		images = e.log.messages(w, e.ref, messages.Update, []Message{m})
		return true
	})
	e.attachImages(images)
}

// Result logs the model's answer and ends the generation. It takes the response
// types of the providers' SDKs, maps, structs and raw JSON; Anthropic, Gemini and
// Bedrock answers are sent in the form of an OpenAI chat completion. What has no
// known form is sent as given, and reported with ErrUnknownResult.
func (g *Generation) Result(result any) {
	if g != nil {
		g.entity.result(result, g.bill)
	}
}

func (e entity) result(v any, b *bill) {
	if e.log == nil {
		return
	}
	defer e.end(EndConfig{}, true)
	w := e.log.line(e.ref, messages.Result)
	if w == nil {
		return
	}
	w.Name("result")
	begin := w.Place()
	if err := encodeResult(w, v); err != nil {
		w.Release()
		e.log.leftOut(e.ref, messages.Result, "result", err, false)
		return
	}
	normal := completion.Normalize(w.Since(begin))
	if normal.Form == completion.Unknown {
		p := e.log.problem(e.ref, messages.Result, ErrUnknownResult, "it is sent as given")
		p.Kept = true
		e.log.report.count(p)
		e.log.report.tell(p)
	}
	e.price(normal.JSON, normal.Usage, b)
	w.Replace(begin, normal.JSON) // where it is already, if it goes out as given
	facts := messages.Command{Action: messages.Result, Failed: normal.Failed}
	if normal.Usage != (completion.Usage{}) {
		facts.Cost = &messages.Cost{Usage: usageOf(normal.Usage)}
	}
	e.send(w, facts)
}

func usageOf(u completion.Usage) messages.Usage {
	return messages.Usage{Input: u.Input, Output: u.Output, Total: u.Total, Cached: u.Cached, Reasoning: u.Reasoning}
}

// encodeResult writes the JSON of a result. The response types of openai-go and
// anthropic-sdk-go know the JSON they were read from; encoding them again would add
// every field that the answer did not have.
func encodeResult(w *wire.Encoder, v any) error {
	if raw := rawJSON(v); raw != "" {
		return w.ElementText(raw)
	}
	return w.Element(v)
}

// rawJSON returns "" for a value without such a method, or one that fails.
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

// ErrorDetail is what went wrong in a model or tool call.
type ErrorDetail struct {
	Message string // what happened, for a person
	Code    string // the provider's code, such as 429
	Type    string // the provider's kind of error, such as rate_limit_exceeded
}

// Error logs that the model call failed, and ends the generation.
func (g *Generation) Error(d ErrorDetail) { g.e().generationError(d) }

func (e entity) generationError(d ErrorDetail) {
	if e.log == nil {
		return
	}
	defer e.end(EndConfig{}, true)
	e.failure(d)
}

// Cost is the price of a model call, in US dollars.
type Cost struct {
	Input  float64 // for what the model was sent
	Output float64 // for what it answered
	Total  float64 // default: Input + Output
}

// AddCost logs what the model call cost. It counts more than Config.Prices.
func (g *Generation) AddCost(c Cost) {
	if g == nil {
		return
	}
	if g.bill != nil {
		g.bill.given.Store(true)
	}
	g.entity.addCost(c)
}

func (e entity) addCost(c Cost) {
	if e.log == nil {
		return
	}
	if c.Total == 0 {
		c.Total = c.Input + c.Output
	}
	w := e.log.line(e.ref, messages.AddCost)
	if w == nil {
		return
	}
	w.Name("cost")
	w.Open('{')
	if !w.Float("input", c.Input) || !w.Float("output", c.Output) || !w.Float("total", c.Total) {
		w.Release()
		e.log.leftOut(e.ref, messages.AddCost, "cost", wire.NotANumber, false)
		return
	}
	w.Close('}')
	e.send(w, messages.Command{Action: messages.AddCost, Cost: &messages.Cost{USD: c.Total}})
}

// AddTag sets a tag.
func (g *Generation) AddTag(key, value string) { g.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (g *Generation) AddMetadata(m map[string]any) { g.e().addMetadata(m) }

// AddMetric sets a numeric metric.
func (g *Generation) AddMetric(name string, value float64) { g.e().addMetric(name, value) }

// AddAttachment attaches a file, bytes or a URL.
func (g *Generation) AddAttachment(a Attachment) { g.e().addAttachment(a) }

// Evaluate asks the server for evaluations.
func (g *Generation) Evaluate() *Evaluation { return g.e().evaluation() }

// SetStartTimestamp corrects when the generation began. The zero time is
// rejected with ErrInvalidTime.
func (g *Generation) SetStartTimestamp(t time.Time) { g.e().setTime("startTimestamp", t) }

// SetEndTimestamp corrects when the generation ended. The zero time is
// rejected with ErrInvalidTime.
func (g *Generation) SetEndTimestamp(t time.Time) { g.e().setTime("endTimestamp", t) }

// End ends the generation now. Result and Error have done so already.
func (g *Generation) End() { g.e().end(EndConfig{}, false) }

// EndWith ends the generation at a given time or with further data.
func (g *Generation) EndWith(c EndConfig) { g.e().end(c, false) }

// HandOver says that another process goes on with the generation: this one will not
// end it.
func (g *Generation) HandOver() { g.e().handOver() }
