package logger

import (
	"context"
	"testing"
)

func TestWorkOfAContextIsPartOfItsHandle(t *testing.T) {
	r := newRig(t, Config{}, nil)
	ctx := NewContext(context.Background(), r.Logger)
	ctx = NewContext(ctx, r.Session(SessionConfig{ID: "s"}))
	inTrace, trace := StartTrace(ctx, TraceConfig{ID: "t", Name: "question"})
	inSpan, span := StartSpan(inTrace, SpanConfig{ID: "a", Name: "agent"})
	_, sub := StartSpan(inSpan, SpanConfig{ID: "b"})
	FromContext(inTrace).AddGeneration(GenerationConfig{ID: "g1"}).End()
	FromContext(inSpan).AddGeneration(GenerationConfig{ID: "g2"}).End()
	FromContext(inSpan).AddRetrieval(RetrievalConfig{ID: "r"}).End()
	FromContext(inSpan).AddToolCall(ToolCallConfig{ID: "c"}).End()
	FromContext(inSpan).AddError(ErrorConfig{ID: "x", Message: "m"})
	FromContext(inSpan).AddEvent(EventConfig{ID: "e", Name: "point"})
	sub.End()
	span.End()
	trace.End()
	lines := r.flushed()
	for _, want := range []struct{ prefix, part string }{
		{"trace t create", `"sessionId":"s"`},
		{"trace t add-span", `"id":"a"`},
		{"span a add-span", `"id":"b"`},
		{"trace t add-generation", `"id":"g1"`},
		{"span a add-generation", `"id":"g2"`},
		{"span a add-retrieval", `"id":"r"`},
		{"span a add-tool-call", `"id":"c"`},
		{"span a add-error", `"id":"x"`},
		{"span a add-event", `"id":"e"`},
	} {
		if !has(lines, want.prefix, want.part) {
			t.Errorf("no line %s with %s in %q", want.prefix, want.part, lines)
		}
	}
	s := FromContext(inSpan)
	if s.Logger() != r.Logger || s.Session().ID() != "s" || s.Trace().ID() != "t" || s.Span().ID() != "a" || !s.Active() {
		t.Errorf("scope %q %q %q, active %t", s.Session().ID(), s.Trace().ID(), s.Span().ID(), s.Active())
	}
	if other, inner := StartTrace(inSpan, TraceConfig{ID: "u"}); FromContext(other).Span().ID() != "" || FromContext(other).Session().ID() != "s" {
		t.Error("a new trace does not hide the span, or loses the session")
	} else {
		inner.End()
	}
	if errs := r.close(); len(errs) != 0 {
		t.Errorf("errors %v", errs)
	}
}

func TestASpanBringsItsTraceAndSession(t *testing.T) {
	r := newRig(t, Config{}, nil)
	span := r.Session(SessionConfig{ID: "s"}).AddTrace(TraceConfig{ID: "t"}).AddSpan(SpanConfig{ID: "a"})
	s := FromContext(NewContext(context.Background(), span))
	if s.Session().ID() != "s" || s.Trace().ID() != "t" || s.Span().ID() != "a" {
		t.Errorf("scope %q %q %q", s.Session().ID(), s.Trace().ID(), s.Span().ID())
	}
	s.Trace().AddTag("k", "v")
	s.Session().AddTag("k", "v")
	if lines := r.flushed(); !has(lines, "trace t update", `"k":"v"`) || !has(lines, "session s update", `"k":"v"`) {
		t.Errorf("the tags are not in %q", lines)
	}
	r.close()
}

func TestNothingInAContextIsInert(t *testing.T) {
	r := newRig(t, Config{}, nil)
	session := r.Session(SessionConfig{ID: "s"})
	for name, ctx := range map[string]context.Context{
		"nothing":        context.Background(),
		"a nil context":  nil,
		"a nil logger":   NewContext(context.Background(), (*Logger)(nil)),
		"no handle":      NewContext(context.Background(), nil),
		"a zero handle":  NewContext(context.Background(), Span{}),
		"only a logger":  NewContext(context.Background(), r.Logger),
		"only a session": NewContext(context.Background(), session),
		"only a name":    NameGeneration(context.Background(), "n"),
	} {
		t.Run(name, func(t *testing.T) {
			s := FromContext(ctx)
			if s.Active() {
				t.Error("the scope is active")
			}
			s.AddSpan(SpanConfig{}).AddGeneration(GenerationConfig{}).Result("x")
			s.AddGeneration(GenerationConfig{}).End()
			s.AddRetrieval(RetrievalConfig{}).End()
			s.AddToolCall(ToolCallConfig{}).End()
			s.AddError(ErrorConfig{}).End()
			s.AddEvent(EventConfig{})
			next, span := StartSpan(ctx, SpanConfig{ID: "span"})
			span.End()
			if span.ID() != "" || FromContext(next).Active() {
				t.Error("a span was begun without a trace")
			}
			s.Trace().End()
			s.Span().End()
		})
	}
	_, trace := StartTrace(context.Background(), TraceConfig{ID: "t"})
	trace.End()
	if lines := r.flushed(); len(lines) != 1 {
		t.Errorf("%q were logged, want the session alone", lines)
	}
	r.close()
}

func TestAnInertHandleLeavesTheContext(t *testing.T) {
	r := newRig(t, Config{}, nil)
	ctx, trace := StartTrace(NewContext(context.Background(), r.Logger), TraceConfig{ID: "t"})
	inner := NewContext(ctx, Span{})
	if span := FromContext(inner).Span(); span.ID() != "" || FromContext(inner).Trace().ID() != "t" {
		t.Errorf("span %q, trace %q", span.ID(), FromContext(inner).Trace().ID())
	}
	FromContext(inner).AddGeneration(GenerationConfig{ID: "g"}).End()
	trace.End()
	if lines := r.flushed(); !has(lines, "trace t add-generation", `"id":"g"`) {
		t.Errorf("the work is lost: %q", lines)
	}
	if got := r.close(); len(got) != 0 {
		t.Errorf("errors %v", got)
	}
}
