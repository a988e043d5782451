package logger

import (
	"context"

	"github.com/troupelog/troupe/messages"
)

// Handle is what a context can carry: a *Logger, a *Session, a *Trace or a *Span.
type Handle interface {
	// ID returns the id of the entity, and of a *Logger the log repository.
	ID() string

	// within returns the scope of what is begun below the handle, inert for an inert
	// handle. What does not belong to the log stays as it is in outer.
	within(outer Scope) Scope
}

// Scope is what a context says that new work is part of: a logger, and below it,
// as far as they are known, a session, a trace and a span. The zero Scope is inert: its
// methods do nothing and return inert handles. A Scope is immutable and may be used
// concurrently.
type Scope struct {
	log         *Logger  // nil makes the scope inert
	session     identity // zero for none
	trace, span entity   // zero for none

	generation string  // see NameGeneration
	w3c        w3cSpan // the trace of another system that the work is part of
}

// scopeKey is the key of a *Scope in a context.
type scopeKey struct{}

// NewContext returns a context whose work is part of h: StartTrace, StartSpan, the
// methods of FromContext and the interceptors of package llm begin what they log there.
// A trace brings its session with it, and a span its trace; what the context said before
// is hidden. With an inert handle the context is returned as it is, so that work is
// logged one level higher, not lost.
func NewContext(ctx context.Context, h Handle) context.Context {
	ctx = orBackground(ctx)
	if h == nil {
		return ctx
	}
	if s := h.within(FromContext(ctx)); s.log != nil {
		return withScope(ctx, s)
	}
	return ctx
}

// orBackground returns ctx, or context.Background for nil: in every function of this
// package that takes a context, a nil one is the background.
func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

func withScope(ctx context.Context, s Scope) context.Context {
	return context.WithValue(orBackground(ctx), scopeKey{}, &s)
}

// FromContext returns what the work of ctx is part of. It is the zero, inert Scope where
// neither NewContext, StartTrace, StartSpan nor Extract has said anything.
func FromContext(ctx context.Context) Scope {
	if ctx == nil {
		return Scope{}
	}
	if s, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return *s
	}
	return Scope{}
}

// StartTrace begins a trace in the session of ctx, or in c.SessionID, or without one, and
// returns a context whose work is part of it. A trace of ctx is hidden, not continued:
// that is StartSpan. Where ctx has no logger it returns ctx and an inert handle.
func StartTrace(ctx context.Context, c TraceConfig) (context.Context, *Trace) {
	s := FromContext(ctx)
	var t *Trace
	if s.log == nil || c.SessionID != "" {
		t = s.log.Trace(c)
	} else {
		t = s.log.traceIn(s.session, c)
	}
	return NewContext(ctx, t), t
}

// StartSpan begins a span in the span or trace of ctx, and returns a context whose work
// is part of it. Where ctx has no trace it returns ctx and an inert handle: a span is
// part of a trace.
func StartSpan(ctx context.Context, c SpanConfig) (context.Context, *Span) {
	sp := FromContext(ctx).AddSpan(c)
	return NewContext(ctx, sp), sp
}

// NameGeneration returns a context whose model calls are logged under a name.
func NameGeneration(ctx context.Context, name string) context.Context {
	s := FromContext(ctx)
	s.generation = name
	return withScope(ctx, s)
}

func (l *Logger) within(outer Scope) Scope {
	return Scope{log: l, generation: outer.generation, w3c: outer.w3c}
}

func (s *Session) within(outer Scope) Scope {
	e := s.e()
	return Scope{log: e.log, session: e.identity(), generation: outer.generation, w3c: outer.w3c}
}

func (t *Trace) within(outer Scope) Scope {
	e := t.e()
	if e.log == nil {
		return Scope{}
	}
	return Scope{log: e.log, session: e.session(), trace: e, generation: outer.generation, w3c: outer.w3c}
}

func (s *Span) within(outer Scope) Scope {
	e := s.e()
	if e.log == nil {
		return Scope{}
	}
	in := Scope{log: e.log, session: e.session(), span: e, generation: outer.generation, w3c: outer.w3c}
	switch owner := e.owner(); {
	case owner.ref.Entity == messages.Trace:
		in.trace = owner
	case outer.log == e.log:
		// Only the context knows the trace of a span that another process began.
		in.trace = outer.trace
	}
	if in.session.wire == "" && in.trace.ref == outer.trace.ref && outer.log == e.log {
		in.session = outer.session
	}
	return in
}

// Logger returns the logger of the scope, nil for none; its methods do nothing then.
func (s Scope) Logger() *Logger { return s.log }

// Session returns the session of the scope, an inert handle for none.
func (s Scope) Session() *Session {
	if s.log == nil || s.session.wire == "" {
		return &Session{}
	}
	return &Session{s.log.entityOf(messages.Session, s.session)}
}

// Trace returns the trace of the scope, an inert handle for none.
func (s Scope) Trace() *Trace { return &Trace{s.trace} }

// Span returns the innermost span of the scope, an inert handle for none.
func (s Scope) Span() *Span { return &Span{s.span} }

// GenerationName returns what NameGeneration gave, "" for nothing.
func (s Scope) GenerationName() string { return s.generation }

// Active reports whether the scope has a trace, so that what is added to it is logged.
func (s Scope) Active() bool { return s.innermost().log != nil }

// innermost is what new work is begun in.
func (s Scope) innermost() entity {
	if s.span.log != nil {
		return s.span
	}
	return s.trace
}

// AddSpan begins a span in the span of the scope, or else in its trace.
func (s Scope) AddSpan(c SpanConfig) *Span { return s.innermost().addSpan(c) }

// AddGeneration begins a model call in the span of the scope, or else in its trace.
func (s Scope) AddGeneration(c GenerationConfig) *Generation { return s.innermost().addGeneration(c) }

// AddRetrieval begins a retrieval in the span of the scope, or else in its trace.
func (s Scope) AddRetrieval(c RetrievalConfig) *Retrieval { return s.innermost().addRetrieval(c) }

// AddToolCall begins a tool call in the span of the scope, or else in its trace.
func (s Scope) AddToolCall(c ToolCallConfig) *ToolCall { return s.innermost().addToolCall(c) }

// AddError logs an error in the span of the scope, or else in its trace.
func (s Scope) AddError(c ErrorConfig) *LoggedError { return s.innermost().addError(c) }

// AddEvent logs a point in time of the span of the scope, or else of its trace.
func (s Scope) AddEvent(c EventConfig) { s.innermost().addEvent(c) }
