package logger

import (
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// EventConfig is a point in time. Every field is optional.
type EventConfig struct {
	ID       string            // default: a new UUID
	Name     string            // what happened
	Tags     map[string]string // for filtering
	Metadata map[string]any    // values other than strings are sent as their JSON
	Time     time.Time         // default: now
}

func (e entity) addEvent(c EventConfig) {
	if e.log == nil {
		return
	}
	if c.ID == "" {
		c.ID = newID()
	}
	e.update(messages.AddEvent, func(w *wire.Encoder) bool {
		w.String("id", c.ID)
		w.Optional("name", c.Name)
		w.Time("timestamp", or(e.log.given(c.Time, e.ref, messages.AddEvent, "EventConfig.Time"), w.At()))
		if c.Tags != nil {
			w.Strings("tags", c.Tags)
		}
		if c.Metadata != nil {
			e.log.jsonTexts(w, e.ref, messages.AddEvent, "metadata", c.Metadata, true)
		}
		return true
	})
}

// Feedback is what a user thought.
type Feedback struct {
	Score    float64           // in the application's own scale
	Comment  string            // optional
	Tags     map[string]string // optional
	Metadata map[string]any    // optional; sent as JSON values
}

func (e entity) addFeedback(f Feedback) {
	e.updateOf(messages.Command{Action: messages.AddFeedback, Score: &f.Score}, func(w *wire.Encoder) bool {
		if !w.Float("score", f.Score) {
			e.log.leftOut(e.ref, messages.AddFeedback, "score", wire.NotANumber, f.Comment != "")
			if f.Comment == "" {
				return false
			}
		}
		w.Optional("comment", f.Comment)
		if f.Tags != nil {
			w.Strings("tags", f.Tags)
		}
		if f.Metadata != nil {
			w.Name("metadata")
			w.Open('{')
			e.values(w, messages.AddFeedback, f.Metadata)
			w.Close('}')
		}
		return true
	})
}
