package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// SessionConfig begins a session. Every field is optional.
type SessionConfig struct {
	ID        string            // default: a new UUID
	Name      string            // what the viewer shows
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a session that is over already
}

// Session is the handle of a session: a conversation of one or more traces. Its
// methods may be called concurrently; on a nil or zero handle they do nothing.
type Session struct{ entity }

func (s *Session) e() entity {
	if s == nil {
		return entity{}
	}
	return s.entity
}

// Session begins a session.
func (l *Logger) Session(c SessionConfig) *Session {
	if l == nil {
		return &Session{}
	}
	id := l.identify(messages.Session.String(), c.ID)
	ref := messages.Ref{Entity: messages.Session, ID: id.wire}
	return &Session{l.create(ref, routeTo(ref, messages.Ref{}, id.given, nil), id.given, func(w *wire.Encoder) {
		l.head(messages.Session, messages.Create, head{id, c.Name, "", c.Tags, c.StartTime, c.EndTime}).write(w, false)
	})}
}

// ID returns the session's id, as it was given.
func (s *Session) ID() string { return s.e().id() }

// AddTrace begins a trace in the session.
func (s *Session) AddTrace(c TraceConfig) *Trace {
	e := s.e()
	if e.log == nil {
		return &Trace{}
	}
	return e.log.traceIn(e.identity(), c)
}

// AddTag sets a tag.
func (s *Session) AddTag(key, value string) { s.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (s *Session) AddMetadata(m map[string]any) { s.e().addMetadata(m) }

// AddMetric sets a numeric metric.
func (s *Session) AddMetric(name string, value float64) { s.e().addMetric(name, value) }

// AddEvent logs a point in time.
func (s *Session) AddEvent(c EventConfig) { s.e().addEvent(c) }

// AddFeedback logs what a user thought of the session.
func (s *Session) AddFeedback(f Feedback) { s.e().addFeedback(f) }

// AddAttachment attaches a file, bytes or a URL.
func (s *Session) AddAttachment(a Attachment) { s.e().addAttachment(a) }

// Evaluate asks the server for evaluations.
func (s *Session) Evaluate() *Evaluation { return s.e().evaluation() }

// SetStartTimestamp corrects when the session began. The zero time is
// rejected with ErrInvalidTime.
func (s *Session) SetStartTimestamp(t time.Time) { s.e().setTime("startTimestamp", t) }

// SetEndTimestamp corrects when the session ended. The zero time is
// rejected with ErrInvalidTime.
func (s *Session) SetEndTimestamp(t time.Time) { s.e().setTime("endTimestamp", t) }

// End ends the session now. A later call is still logged.
func (s *Session) End() { s.e().end(EndConfig{}, false) }

// EndWith ends the session at a given time or with further data.
func (s *Session) EndWith(c EndConfig) { s.e().end(c, false) }

// EndOnPanic is to be deferred: when the goroutine panics it ends what is open in
// the session, with the metadata ended_by=panic, and panics on.
func (s *Session) EndOnPanic() { s.e().endOnPanic(recover()) }

// HandOver says that another process goes on with the session: this one will not
// end it.
func (s *Session) HandOver() { s.e().handOver() }

// Snapshot returns the session's live state, behind every call made before.
func (s *Session) Snapshot(ctx context.Context) (Snapshot, error) { return s.e().snapshot(ctx) }
