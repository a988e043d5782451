package logger

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// TraceConfig begins a trace. Every field is optional.
type TraceConfig struct {
	ID        string            // default: a new UUID
	Name      string            // what the viewer shows
	SessionID string            // the session it belongs to, which may live in another process
	Input     any               // what the trace was asked: a string, or anything with a JSON form
	Tags      map[string]string // for filtering
	StartTime time.Time         // default: now
	EndTime   time.Time         // for a trace that is over already
}

// Trace is the handle of a trace: one request and everything done to answer it. Its
// methods may be called concurrently; on a nil or zero handle they do nothing.
type Trace struct{ entity }

func (t *Trace) e() entity {
	if t == nil {
		return entity{}
	}
	return t.entity
}

// Trace begins a trace, in the session c.SessionID or without one.
func (l *Logger) Trace(c TraceConfig) *Trace {
	if l == nil {
		return &Trace{}
	}
	var session identity
	if c.SessionID != "" {
		session = l.known(messages.Session.String(), c.SessionID)
	}
	return l.traceIn(session, c)
}

// traceIn begins a trace in a session, zero for none; c.SessionID is not looked at.
func (l *Logger) traceIn(session identity, c TraceConfig) *Trace {
	id := l.identify(messages.Trace.String(), c.ID)
	ref := messages.Ref{Entity: messages.Trace, ID: id.wire}
	route := routeTo(ref, messages.Ref{}, id.given, nil)
	if session.wire != "" {
		route = routeTo(messages.Ref{Entity: messages.Session, ID: session.wire}, ref, session.given, id.given)
	}
	return &Trace{l.create(ref, route, id.given, func(w *wire.Encoder) {
		l.head(messages.Trace, messages.Create, head{id, c.Name, "", c.Tags, c.StartTime, c.EndTime}).write(w, false)
		w.Optional("sessionId", session.wire)
		if c.Input != nil && c.Input != "" {
			l.anyField(w, ref, messages.Create, "input", c.Input)
		}
	})}
}

// ID returns the trace's id, as it was given.
func (t *Trace) ID() string { return t.e().id() }

// AddSpan begins a span in the trace.
func (t *Trace) AddSpan(c SpanConfig) *Span { return t.e().addSpan(c) }

// AddGeneration begins a model call in the trace.
func (t *Trace) AddGeneration(c GenerationConfig) *Generation { return t.e().addGeneration(c) }

// AddRetrieval begins a retrieval in the trace.
func (t *Trace) AddRetrieval(c RetrievalConfig) *Retrieval { return t.e().addRetrieval(c) }

// AddToolCall begins a tool call in the trace.
func (t *Trace) AddToolCall(c ToolCallConfig) *ToolCall { return t.e().addToolCall(c) }

// AddError logs an error in the trace.
func (t *Trace) AddError(c ErrorConfig) *LoggedError { return t.e().addError(c) }

// AddToSession puts the trace into a session. Its entries keep the order among
// themselves, not towards those of the session.
func (t *Trace) AddToSession(sessionID string) {
	e := t.e()
	if e.log == nil {
		return
	}
	if sessionID == "" {
		e.log.reject(e.log.problem(e.ref, messages.Update, ErrInvalidID, "the id of the session is empty"))
		return
	}
	e.text("sessionId", e.log.known(messages.Session.String(), sessionID).wire)
}

// SetInput sets what the trace was asked: a string, or anything with a JSON form. Nil is
// nothing to say.
func (t *Trace) SetInput(input any) { t.e().value(messages.Update, "input", input) }

// SetOutput sets what the trace answered: a string, or anything with a JSON form. Nil is
// nothing to say.
func (t *Trace) SetOutput(output any) { t.e().value(messages.Update, "output", output) }

// AddTag sets a tag.
func (t *Trace) AddTag(key, value string) { t.e().addTag(key, value) }

// AddMetadata adds metadata; values other than strings are sent as their JSON.
func (t *Trace) AddMetadata(m map[string]any) { t.e().addMetadata(m) }

// AddMetric sets a numeric metric.
func (t *Trace) AddMetric(name string, value float64) { t.e().addMetric(name, value) }

// AddEvent logs a point in time.
func (t *Trace) AddEvent(c EventConfig) { t.e().addEvent(c) }

// AddFeedback logs what a user thought of the answer.
func (t *Trace) AddFeedback(f Feedback) { t.e().addFeedback(f) }

// AddAttachment attaches a file, bytes or a URL.
func (t *Trace) AddAttachment(a Attachment) { t.e().addAttachment(a) }

// Evaluate asks the server for evaluations.
func (t *Trace) Evaluate() *Evaluation { return t.e().evaluation() }

// SetStartTimestamp corrects when the trace began. The zero time is
// rejected with ErrInvalidTime.
func (t *Trace) SetStartTimestamp(at time.Time) { t.e().setTime("startTimestamp", at) }

// SetEndTimestamp corrects when the trace ended. The zero time is
// rejected with ErrInvalidTime.
func (t *Trace) SetEndTimestamp(at time.Time) { t.e().setTime("endTimestamp", at) }

// End ends the trace now. A later call is still logged.
func (t *Trace) End() { t.e().end(EndConfig{}, false) }

// EndWith ends the trace at a given time or with further data.
func (t *Trace) EndWith(c EndConfig) { t.e().end(c, false) }

// EndOnPanic is to be deferred: when the goroutine panics it ends what is open in
// the trace, with the metadata ended_by=panic, and panics on.
func (t *Trace) EndOnPanic() { t.e().endOnPanic(recover()) }

// HandOver says that another process goes on with the trace: this one will not end it.
func (t *Trace) HandOver() { t.e().handOver() }

// Snapshot returns the trace's live state, behind every call made before.
func (t *Trace) Snapshot(ctx context.Context) (Snapshot, error) { return t.e().snapshot(ctx) }
