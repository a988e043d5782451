package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// SessionConfig begins a session. Every field is optional.
type SessionConfig struct {
	// ID identifies the session, in every process. Default: a new UUID.
	ID string
	// Name is shown in the viewer.
	Name string
	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the session began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a session that is over already. Without it, End sets the time.
	EndTime time.Time
}

// Session is the handle of a session: a conversation of one or more traces. It is a
// value: copy it freely, and compare it with Session{} to find out whether it is zero. Its
// methods may be called concurrently; on a zero Session they do nothing.
type Session struct{ entity }

// Session begins a session.
func (l *Logger) Session(c SessionConfig) Session {
	if l == nil {
		return Session{}
	}
	id := l.identify(messages.Session.String(), c.ID)
	ref := messages.Ref{Entity: messages.Session, ID: id.wire}
	return Session{l.create(ref, routeTo(ref, messages.Ref{}, id.given, nil), id.given, func(w *wire.Encoder) {
		l.writeCommon(w, messages.Session, messages.Create, commonFields{id, c.Name, "", c.Tags, c.StartTime, c.EndTime})
	})}
}

// AddTrace begins a trace in the session. It ignores c.SessionID.
func (s Session) AddTrace(c TraceConfig) Trace {
	if s.pipe == nil {
		return Trace{}
	}
	return s.pipe.beginTraceIn(s.identity(), c)
}

// AddEvent logs a point in time.
func (s Session) AddEvent(c EventConfig) { s.addEvent(c) }

// AddFeedback logs a user's opinion of the session.
func (s Session) AddFeedback(f Feedback) { s.addFeedback(f) }

// AddAttachment attaches a file, bytes or a URL.
func (s Session) AddAttachment(a Attachment) { s.addAttachment(a) }

// Snapshot returns the live state of the session. It includes every call made before. It
// fails with an *Error with ErrUnknownEntity if the session is not live in this process,
// with ErrClosed after Close, and with the error of ctx.
func (s Session) Snapshot(ctx context.Context) (Snapshot, error) { return s.snapshot(ctx) }
