package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// TraceConfig begins a trace. Every field is optional.
type TraceConfig struct {
	// ID identifies the trace, in every process. Default: a new UUID.
	ID string
	// Name is shown in the viewer and is a filter there, such as "answer question".
	Name string
	// SessionID is the session that the trace belongs to, which may live in another process.
	// Empty means none. Session.AddTrace and, if its context has a session, StartTrace need no
	// SessionID.
	SessionID string
	// Input is the request: a string, or anything with a JSON form. Nil and "" are not sent.
	Input any
	// Tags are key-value pairs for filtering. Mask applies to the values.
	Tags map[string]string
	// StartTime is when the trace began. Default: now. A time that a line cannot hold is reported
	// with ErrInvalidTime and replaced by now.
	StartTime time.Time
	// EndTime is for a trace that is over already. Without it, End sets the time.
	EndTime time.Time
}

// Trace is the handle of a trace: one request and everything done to answer it. It is a
// value: copy it freely, and compare it with Trace{} to find out whether it is zero. Its
// methods may be called concurrently; on a zero Trace they do nothing.
type Trace struct{ container }

// Trace begins a trace, in the session c.SessionID or without a session.
func (l *Logger) Trace(c TraceConfig) Trace {
	if l == nil {
		return Trace{}
	}
	return l.beginTrace(c)
}

// beginTrace begins a trace in the session that the config names.
func (p *pipeline) beginTrace(c TraceConfig) Trace {
	var session identity
	if c.SessionID != "" {
		session = p.known(messages.Session.String(), c.SessionID)
	}
	return p.beginTraceIn(session, c)
}

// beginTraceIn begins a trace in a session, zero for none. It ignores c.SessionID.
func (p *pipeline) beginTraceIn(session identity, c TraceConfig) Trace {
	id := p.identify(messages.Trace.String(), c.ID)
	ref := messages.Ref{Entity: messages.Trace, ID: id.wire}
	route := routeTo(ref, messages.Ref{}, id.given, nil)
	if session.wire != "" {
		route = routeTo(messages.Ref{Entity: messages.Session, ID: session.wire}, ref, session.given, id.given)
	}
	return Trace{container{p.create(ref, route, id.given, func(w *wire.Encoder) {
		p.writeCommon(w, messages.Trace, messages.Create, commonFields{id, c.Name, "", c.Tags, c.StartTime, c.EndTime})
		w.Optional("sessionId", session.wire)
		if c.Input != nil && c.Input != "" {
			p.valueField(w, ref, messages.Create, "input", c.Input)
		}
	})}}
}

// create begins a session or a trace with a create line. The handle is zero if the
// logger is closed.
func (p *pipeline) create(ref messages.Ref, route *messages.Route, given *string, write func(*wire.Encoder)) entity {
	e := entity{p, ref, route, given}
	w := p.line(ref, messages.Create)
	if w == nil {
		return entity{}
	}
	write(w)
	// Registered before it is sent, see container.begin. A session needs no entry: its own ref is
	// its route.
	if ref.Entity != messages.Session {
		p.actors.Register(ref, route)
	}
	if !e.send(w, messages.Command{Action: messages.Create, NewEntity: &messages.NewEntity{Child: ref}}) {
		p.actors.Forget(ref, route)
	}
	return e
}

// AddToSession moves the trace into a session. Its entries keep their order among
// themselves, but are not ordered relative to the entries of the session. An empty id is
// rejected with ErrInvalidID.
func (t Trace) AddToSession(sessionID string) {
	if t.pipe == nil {
		return
	}
	if sessionID == "" {
		t.pipe.reject(t.pipe.problem(t.ref, messages.Update, ErrInvalidID, "the id of the session is empty"))
		return
	}
	t.text("sessionId", t.pipe.known(messages.Session.String(), sessionID).wire)
}

// SetInput sets the request: a string, or anything with a JSON form. Nil is ignored.
func (t Trace) SetInput(input any) { t.value("input", input) }

// SetOutput sets the answer: a string, or anything with a JSON form. Nil is ignored. It
// does not end the trace.
func (t Trace) SetOutput(output any) { t.value("output", output) }

// AddFeedback logs a user's opinion of the answer.
func (t Trace) AddFeedback(f Feedback) { t.addFeedback(f) }

// Snapshot returns the live state of the trace. It includes every call made before. It
// fails with an *Error with ErrUnknownEntity if the trace is not live in this process, with
// ErrClosed after Close, and with the error of ctx.
func (t Trace) Snapshot(ctx context.Context) (Snapshot, error) { return t.snapshot(ctx) }
