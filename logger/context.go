package logger

import (
	"context"

	"github.com/troupelog/troupe/messages"
)

// Handle is a value that a context can carry: a *Logger, Session, Trace or Span.
type Handle interface {
	// ID returns the id of the entity, and the log repository for a *Logger.
	ID() string

	// within returns the scope of work that begins in the handle, inert for a zero handle.
	// Facts that do not belong to the log are taken over from outer.
	within(outer Scope) Scope
}

// Scope is the place in the log where new work belongs: a logger and, as far as they are
// known, a session, a trace and a span. The zero Scope is inert: its methods do nothing and
// return zero handles. A Scope is immutable and may be used concurrently.
type Scope struct {
	pipe        *pipeline // nil makes the scope inert
	session     identity  // zero for none
	trace, span entity    // zero for none

	generation string  // see NameGeneration
	w3c        w3cSpan // the trace of another system that the work is part of
}

// scopeKey is the key of a *Scope in a context.
type scopeKey struct{}

// NewContext returns a context whose work belongs to h: StartTrace, StartSpan, the methods
// of FromContext and the interceptors of package llm begin their entities there. A trace
// implies its session, and a span its trace; they hide those that the context had before.
// If h is nil or zero, NewContext returns ctx unchanged: work is then logged one level
// higher, not lost.
func NewContext(ctx context.Context, h Handle) context.Context {
	ctx = orBackground(ctx)
	if h == nil {
		return ctx
	}
	return inScope(ctx, h.within(FromContext(ctx)))
}

// inScope returns a context with a scope, and ctx unchanged for an inert one.
func inScope(ctx context.Context, s Scope) context.Context {
	if s.pipe == nil {
		return ctx
	}
	return withScope(ctx, s)
}

// orBackground returns ctx, or context.Background for nil: every function of this package
// accepts a nil context.
func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// withScope returns a context with a scope. The pointer keeps contexts small, and lookups free
// of allocations.
func withScope(ctx context.Context, s Scope) context.Context {
	return context.WithValue(orBackground(ctx), scopeKey{}, &s)
}

// FromContext returns the Scope carried by ctx, or the zero Scope, which does nothing.
func FromContext(ctx context.Context) Scope {
	if ctx == nil {
		return Scope{}
	}
	if s, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return *s
	}
	return Scope{}
}

// StartTrace begins a trace in the session c.SessionID or, without one, in the session of
// ctx if there is one. It returns a context whose work belongs to the trace. The trace
// hides a trace of ctx: to continue that, use StartSpan. If ctx carries no logger,
// StartTrace returns ctx and a zero Trace.
func StartTrace(ctx context.Context, c TraceConfig) (context.Context, Trace) {
	s := FromContext(ctx)
	if s.pipe == nil {
		return orBackground(ctx), Trace{}
	}
	var t Trace
	if c.SessionID != "" {
		t = s.pipe.beginTrace(c)
	} else {
		t = s.pipe.beginTraceIn(s.session, c)
	}
	return inScope(ctx, t.within(s)), t
}

// StartSpan begins a span in the span or else the trace of ctx, and returns a context whose
// work belongs to it. If ctx carries neither, StartSpan returns ctx and a zero Span.
func StartSpan(ctx context.Context, c SpanConfig) (context.Context, Span) {
	s := FromContext(ctx)
	sp := s.AddSpan(c)
	return inScope(orBackground(ctx), sp.within(s)), sp
}

// NameGeneration returns a context whose model calls are logged under a name.
func NameGeneration(ctx context.Context, name string) context.Context {
	s := FromContext(ctx)
	s.generation = name
	return withScope(ctx, s)
}

// within implements Handle. A logger hides the session, trace and span of outer.
func (l *Logger) within(outer Scope) Scope {
	if l == nil {
		return Scope{}
	}
	return Scope{pipe: l.pipeline, generation: outer.generation, w3c: outer.w3c}
}

// within implements Handle. A session hides the trace and span of outer.
func (s Session) within(outer Scope) Scope {
	return Scope{pipe: s.pipe, session: s.identity(), generation: outer.generation, w3c: outer.w3c}
}

// within implements Handle. A trace brings the session that it is known to belong to.
func (t Trace) within(outer Scope) Scope {
	if t.pipe == nil {
		return Scope{}
	}
	return Scope{pipe: t.pipe, session: t.session(), trace: t.entity, generation: outer.generation, w3c: outer.w3c}
}

// within implements Handle. A span brings its trace and session. If another process began the
// span, they are unknown here, and taken over from outer if that is a scope of the same logger.
func (s Span) within(outer Scope) Scope {
	if s.pipe == nil {
		return Scope{}
	}
	in := Scope{pipe: s.pipe, session: s.session(), span: s.entity, generation: outer.generation, w3c: outer.w3c}
	switch owner := s.owner(); {
	case owner.ref.Entity == messages.Trace:
		in.trace = owner
	case outer.pipe == s.pipe:
		// Only the context knows the trace of a span that another process began.
		in.trace = outer.trace
	}
	if in.session.wire == "" && in.trace.ref == outer.trace.ref && outer.pipe == s.pipe {
		in.session = outer.session
	}
	return in
}

// Logger returns the logger of the scope. It is nil if there is none; its methods do
// nothing then.
func (s Scope) Logger() *Logger {
	if s.pipe == nil {
		return nil
	}
	return s.pipe.logger
}

// Session returns the session of the scope, zero if there is none.
func (s Scope) Session() Session {
	if s.pipe == nil || s.session.wire == "" {
		return Session{}
	}
	return Session{s.pipe.entityOf(messages.Session, s.session)}
}

// Trace returns the trace of the scope, zero if there is none.
func (s Scope) Trace() Trace { return Trace{container{s.trace}} }

// Span returns the innermost span of the scope, zero if there is none.
func (s Scope) Span() Span { return Span{container{s.span}} }

// GenerationName returns the name that NameGeneration set, "" if it set none.
func (s Scope) GenerationName() string { return s.generation }

// Active reports whether the scope has a trace or span. If not, its Add methods do nothing.
func (s Scope) Active() bool { return s.innermost().pipe != nil }

// innermost returns the span of the scope, or else its trace: new work begins there.
func (s Scope) innermost() container {
	if s.span.pipe != nil {
		return container{s.span}
	}
	return container{s.trace}
}

// AddSpan begins a span in the span of the scope, or else in its trace.
func (s Scope) AddSpan(c SpanConfig) Span { return s.innermost().AddSpan(c) }

// AddGeneration begins a model call in the span of the scope, or else in its trace.
func (s Scope) AddGeneration(c GenerationConfig) Generation { return s.innermost().AddGeneration(c) }

// AddRetrieval begins a retrieval in the span of the scope, or else in its trace.
func (s Scope) AddRetrieval(c RetrievalConfig) Retrieval { return s.innermost().AddRetrieval(c) }

// AddToolCall begins a tool call in the span of the scope, or else in its trace.
func (s Scope) AddToolCall(c ToolCallConfig) ToolCall { return s.innermost().AddToolCall(c) }

// AddError logs an error in the span of the scope, or else in its trace.
func (s Scope) AddError(c ErrorConfig) LoggedError { return s.innermost().AddError(c) }

// AddEvent logs a point in time in the span of the scope, or else in its trace.
func (s Scope) AddEvent(c EventConfig) { s.innermost().addEvent(c) }
