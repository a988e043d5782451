package logger

import (
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// GenerationConfig begins a generation: one call of a model. Every field is optional.
type GenerationConfig struct {
	// ID identifies the generation. Default: a new UUID.
	ID string
	// Name is shown in the viewer.
	Name string
	// SpanID is the span that the generation is part of. Span.AddGeneration ignores it. Empty
	// means that the generation is part of the trace.
	SpanID string
	// Model is the provider's name of the model. Config.Prices is asked for it if the response
	// names no model.
	Model string
	// Provider is the name of the provider. It is sent in lower case, and as unknown if empty.
	Provider string
	// Messages is the conversation that is sent to the model. The images in it become
	// attachments. Use MessageOf for the message types of an SDK, and for long histories.
	Messages []Message

	// ModelParameters are temperature and the like. Values that are not strings are sent as
	// their JSON text; nil values are left out.
	ModelParameters map[string]any

	// MaximPromptID and MaximPromptVersionID name a prompt that the server manages.
	MaximPromptID        string
	MaximPromptVersionID string

	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the call began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a call that is over already. Without it, End sets the time.
	EndTime time.Time
}

// write writes the data of the line that begins the generation, and returns the images
// that were in its messages.
func (c *GenerationConfig) write(p *pipeline, w *wire.Encoder, id identity, spanID string) []image {
	p.writeCommon(w, messages.Generation, messages.AddGeneration,
		commonFields{id, c.Name, spanID, c.Tags, c.StartTime, c.EndTime})
	w.Optional("model", c.Model)
	w.String("provider", provider(c.Provider))
	w.Optional("maximPromptId", c.MaximPromptID)
	w.Optional("maximPromptVersionId", c.MaximPromptVersionID)
	ref := messages.Ref{Entity: messages.Generation, ID: id.wire}
	images := p.messages(w, ref, messages.AddGeneration, c.Messages)
	p.jsonTexts(w, ref, messages.AddGeneration, "modelParameters", c.ModelParameters, false)
	w.String("id", id.wire)
	return images
}

// provider returns a provider's name as lines carry it.
func provider(name string) string {
	if name == "" {
		return "unknown"
	}
	return strings.ToLower(name)
}

// Generation is the handle of a generation: one call of a model. It is a value: copy it
// freely, and compare it with Generation{} to find out whether it is zero. Its methods may
// be called concurrently; on a zero Generation they do nothing.
type Generation struct {
	entity
	price *priceState // shared by copies; nil if nothing is priced
}

// SetModel sets the model's name, if it was not known at the beginning.
func (g Generation) SetModel(model string) { g.text("model", model) }

// SetProvider sets the provider's name, which is sent in lower case.
func (g Generation) SetProvider(name string) { g.text("provider", provider(name)) }

// SetName sets the generation's name.
func (g Generation) SetName(name string) { g.text("name", name) }

// SetModelParameters sets parameters; see GenerationConfig.ModelParameters.
func (g Generation) SetModelParameters(p map[string]any) {
	g.update(messages.Update, func(w *wire.Encoder) bool {
		g.pipe.jsonTexts(w, g.ref, messages.Update, "modelParameters", p, false)
		return true
	})
}

// AddMessage adds a message to those sent to the model. Images in it become attachments;
// the caller's value is never changed.
func (g Generation) AddMessage(m Message) {
	var images []image
	g.update(messages.Update, func(w *wire.Encoder) bool {
		images = g.pipe.messages(w, g.ref, messages.Update, []Message{m})
		return true
	})
	g.attachImages(images)
}

// AddAttachment attaches a file, bytes or a URL.
func (g Generation) AddAttachment(a Attachment) { g.addAttachment(a) }
