package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// EventConfig describes a point in time. Every field is optional.
type EventConfig struct {
	// ID identifies the event. Default: a new UUID.
	ID string
	// Name is shown in the viewer.
	Name string
	// Tags are key-value pairs for filtering.
	Tags map[string]string
	// Metadata holds further facts. Values that are not strings are sent as their JSON text.
	Metadata map[string]any
	// Time is when the event happened. Default: now.
	Time time.Time
}

// addEvent sends a line that names the event, but begins no entity: events have no handle.
func (e entity) addEvent(c EventConfig) {
	if e.pipe == nil {
		return
	}
	if c.ID == "" {
		c.ID = newID()
	}
	e.update(messages.AddEvent, func(w *wire.Encoder) bool {
		w.String("id", c.ID)
		w.Optional("name", c.Name)
		w.Time("timestamp", or(e.pipe.validOrZero(c.Time, e.ref, messages.AddEvent, "EventConfig.Time"), w.At()))
		if c.Tags != nil {
			w.Strings("tags", c.Tags)
		}
		if c.Metadata != nil {
			e.pipe.jsonTexts(w, e.ref, messages.AddEvent, "metadata", c.Metadata, true)
		}
		return true
	})
}

// Feedback is a user's opinion of a trace or a session.
type Feedback struct {
	// Score is on the application's own scale. TailSampling takes scores below
	// TailSampling.DislikedBelow for dislike.
	Score float64
	// Comment is the text that the user wrote, if any.
	Comment string
	// Tags are key-value pairs for filtering.
	Tags map[string]string
	// Metadata is sent as JSON values.
	Metadata map[string]any
}

// addFeedback sends a line with the feedback. A score that is no number is left out; without a
// comment, nothing is left to send, and the call is rejected.
func (e entity) addFeedback(f Feedback) {
	e.updateOf(messages.Command{Action: messages.AddFeedback, Score: &f.Score}, func(w *wire.Encoder) bool {
		if !w.Float("score", f.Score) {
			e.pipe.reportDropped(e.ref, messages.AddFeedback, "score", wire.NotANumber, f.Comment != "")
			if f.Comment == "" {
				return false
			}
		}
		w.Optional("comment", f.Comment)
		if f.Tags != nil {
			w.Strings("tags", f.Tags)
		}
		if f.Metadata != nil {
			e.object(w, messages.AddFeedback, "metadata", f.Metadata)
		}
		return true
	})
}
