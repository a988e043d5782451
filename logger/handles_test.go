package logger

import (
	"strings"
	"testing"
)

// TestEndOnPanicOfEveryHandle checks that EndOnPanic ends the open entities of the trace, and
// that the panic continues with its value.
func TestEndOnPanicOfEveryHandle(t *testing.T) {
	begin := map[string]func(Session, Trace) interface{ EndOnPanic() }{
		"session":    func(s Session, _ Trace) interface{ EndOnPanic() } { return s },
		"trace":      func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr },
		"span":       func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr.AddSpan(SpanConfig{}) },
		"generation": func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr.AddGeneration(GenerationConfig{}) },
		"retrieval":  func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr.AddRetrieval(RetrievalConfig{}) },
		"tool call":  func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr.AddToolCall(ToolCallConfig{}) },
		"error":      func(_ Session, tr Trace) interface{ EndOnPanic() } { return tr.AddError(ErrorConfig{}) },
	}
	for name, handle := range begin {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			session := r.Session(SessionConfig{ID: "s"})
			trace := session.AddTrace(TraceConfig{ID: "t"})
			h := handle(session, trace)
			func() {
				defer func() {
					if value := recover(); value != "value" {
						t.Errorf("the panic continued with %v, want its value", value)
					}
				}()
				defer h.EndOnPanic()
				panic("value")
			}()
			func() {
				defer h.EndOnPanic() // without a panic it does nothing
			}()
			if lines := r.flushed(); !has(lines, "trace t end", `"ended_by":"panic"`) {
				t.Errorf("the trace was not ended by the panic:\n%s", strings.Join(lines, "\n"))
			}
			r.close()
		})
	}
}

// TestInputsAndOutputsOfSpans checks that a text and any other value fit the protocol's form.
func TestInputsAndOutputsOfSpans(t *testing.T) {
	r := newRig(t, Config{}, nil)
	span := r.Trace(TraceConfig{ID: "t"}).AddSpan(SpanConfig{ID: "s"})
	span.SetInput("a question")
	span.SetInput(map[string]int{"n": 1})
	span.SetInput(nil)
	span.SetInput(make(chan int))
	span.SetOutput([]string{"an answer"})
	span.AddMetric("score", 0.5)
	lines := r.flushed()
	for _, want := range []string{
		`{"input":{"type":"text","value":"a question"}}`, `{"input":{"type":"text","value":"{\"n\":1}"}}`,
		`{"output":["an answer"]}`, `{"metrics":{"score":0.5}}`,
	} {
		if !has(lines, "span s update "+want) {
			t.Errorf("no line of the span has %s:\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if got := reasons(t, r.close()); len(got) != 1 || got[ErrUnencodable] != 1 {
		t.Errorf("errors %v, want one about the value without a JSON form", got)
	}
}

// TestFormerNamesSendTheSameLines checks names of the seed on handles against the methods that
// they are names of.
func TestFormerNamesSendTheSameLines(t *testing.T) {
	play := func(calls func(Session, Trace, Span, Generation, Retrieval, ToolCall)) []string {
		r := newRig(t, Config{}, nil)
		defer r.close()
		session := r.Session(SessionConfig{ID: "s"})
		trace := session.AddTrace(TraceConfig{ID: "t"})
		calls(session, trace, trace.AddSpan(SpanConfig{ID: "sp"}), trace.AddGeneration(GenerationConfig{ID: "g"}),
			trace.AddRetrieval(RetrievalConfig{ID: "r"}), trace.AddToolCall(ToolCallConfig{ID: "c"}))
		var heads []string // without data, which has times and ids
		for _, line := range r.flushed() {
			head, _, _ := strings.Cut(line, "{")
			heads = append(heads, head)
		}
		return heads
	}
	want := play(func(s Session, tr Trace, sp Span, g Generation, r Retrieval, c ToolCall) {
		s.AddEvent(EventConfig{})
		s.AddFeedback(Feedback{})
		tr.AddEvent(EventConfig{})
		sp.AddEvent(EventConfig{})
		sp.AddSpan(SpanConfig{})
		r.SetInput("q")
		r.SetOutput("d")
		g.Fail(Failure{})
		c.Fail(Failure{})
	})
	got := play(func(s Session, tr Trace, sp Span, g Generation, r Retrieval, c ToolCall) {
		s.Event(EventConfig{})
		s.Feedback(Feedback{})
		tr.Event(EventConfig{})
		sp.Event(EventConfig{})
		sp.AddSubSpan(SpanConfig{})
		r.Input("q")
		r.Output("d")
		g.Error(ErrorDetail{})
		c.Error(ErrorDetail{})
	})
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the former names sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
