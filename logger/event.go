package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// EventConfig describes a point in time. Every field is optional.
type EventConfig struct {
	ID       string            // default: a new UUID
	Name     string            // of the event
	Tags     map[string]string // for filtering
	Metadata map[string]any    // values that are not strings are sent as their JSON text
	Time     time.Time         // default: now
}

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
	Score    float64           // on the application's own scale
	Comment  string            // optional
	Tags     map[string]string // optional
	Metadata map[string]any    // optional; sent as JSON values
}

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
