package logger_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/logger"
)

// open starts a logger over the stand-in server. Programs handle the error.
func open(c logger.Config) (*logger.Logger, func()) {
	s := server()
	c.ID, c.BaseURL, c.Durability = "my-agents", s.URL, logger.MemoryOnly
	log, err := logger.New(c)
	if err != nil {
		panic(err)
	}
	return log, func() {
		if err := log.Close(context.Background()); err != nil {
			fmt.Println(err)
		}
		s.Close()
	}
}

// A logger for a local collector, which needs no key.
func ExampleNew() {
	s := server()
	defer s.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: s.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	log.Trace(logger.TraceConfig{Name: "question"}).End()
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err) // how many entries are not delivered, and where they are kept
	}
	fmt.Println(log.Stats())
	// Output: accepted=2 delivered=2 pending=0 dead=0 dropped=0
}

// A trace that its context carries: what is logged with ctx belongs to it.
func ExampleStartTrace() {
	log, done := open(logger.Config{})
	defer done()
	ctx := logger.NewContext(context.Background(), log)

	ctx, trace := logger.StartTrace(ctx, logger.TraceConfig{ID: "t", Name: "question", Input: "Why?"})
	defer trace.End()
	fmt.Println(logger.FromContext(ctx).Trace().ID())
	// Output: t
}

// A span below the trace of a context, for the turn of one agent.
func ExampleStartSpan() {
	log, done := open(logger.Config{})
	defer done()
	agent := func(ctx context.Context) {
		ctx, span := logger.StartSpan(ctx, logger.SpanConfig{ID: "s", Name: "researcher"})
		defer span.End()
		logger.FromContext(ctx).AddEvent(logger.EventConfig{Name: "found"})
		fmt.Println(logger.FromContext(ctx).Trace().ID(), logger.FromContext(ctx).Span().ID())
	}
	ctx, trace := logger.StartTrace(logger.NewContext(context.Background(), log), logger.TraceConfig{ID: "t"})
	defer trace.End()
	agent(ctx)

	// Without a trace in the context nothing is logged, and the handle is zero.
	_, span := logger.StartSpan(context.Background(), logger.SpanConfig{})
	fmt.Println(span == logger.Span{})
	// Output:
	// t s
	// true
}

// A conversation of two turns, each a trace of the session.
func ExampleLogger_Session() {
	log, done := open(logger.Config{})
	defer done()
	session := log.Session(logger.SessionConfig{ID: "conversation", Tags: map[string]string{"channel": "chat"}})
	for _, question := range []string{"Why?", "And then?"} {
		trace := session.AddTrace(logger.TraceConfig{Name: "turn", Input: question})
		trace.SetOutput("Because.")
		trace.End()
	}
	session.AddFeedback(logger.Feedback{Score: 1, Comment: "helpful"})
	snapshot, err := session.Snapshot(context.Background())
	fmt.Println(snapshot.Begun.Traces, err)
	session.End()
	// Output: 2 <nil>
}

// Code that has only the id of a trace, such as a webhook that brings feedback.
func ExampleLogger_TraceByID() {
	log, done := open(logger.Config{})
	defer done()
	log.Trace(logger.TraceConfig{ID: "t"}).End()

	log.TraceByID("t").AddFeedback(logger.Feedback{Score: -1, Comment: "too long"})
	fmt.Println(log.TraceByID("t").ID())
	// Output: t
}

// A tool call: its arguments, and its result or failure, which ends it.
func ExampleTrace_AddToolCall() {
	log, done := open(logger.Config{})
	defer done()
	trace := log.Trace(logger.TraceConfig{ID: "t"})
	defer trace.End()
	search := func(string) ([]string, error) { return nil, errors.New("index is offline") }

	call := trace.AddToolCall(logger.ToolCallConfig{ID: "call_1", Name: "search", Args: `{"query":"fares"}`})
	if found, err := search("fares"); err != nil {
		call.Fail(logger.Failure{Message: err.Error()})
	} else {
		call.Result(found)
	}
	snapshot, err := trace.Snapshot(context.Background())
	fmt.Println(snapshot.Failures, snapshot.Open, err)
	// Output: 1 [] <nil>
}

// A trace that continues in another process: the first one injects its place in the log into
// the headers of the request, the second one extracts it.
func ExampleInject() {
	log, done := open(logger.Config{})
	defer done()
	ctx, trace := logger.StartTrace(logger.NewContext(context.Background(), log), logger.TraceConfig{ID: "t"})
	defer trace.End()

	request := http.Header{}
	logger.Inject(ctx, request)

	// In the other process, whose context carries only its logger:
	there := logger.Extract(logger.NewContext(context.Background(), log), request)
	fmt.Println(logger.FromContext(there).Trace().ID())
	// Output: t
}

// Everything that is open in the trace is ended before the panic continues.
func ExampleTrace_EndOnPanic() {
	log, done := open(logger.Config{})
	defer done()
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		trace := log.Trace(logger.TraceConfig{})
		defer trace.EndOnPanic()
		trace.AddSpan(logger.SpanConfig{Name: "agent"})
		panic("out of cheese")
	}()
	fmt.Println(log.Stats().AutoEnded)
	// Output:
	// recovered: out of cheese
	// 2
}

// A session that another process continues is not ended by this one.
func ExampleSession_HandOver() {
	log, done := open(logger.Config{})
	log.Session(logger.SessionConfig{ID: "abandoned"})
	log.Session(logger.SessionConfig{ID: "continued"}).HandOver()
	done() // closes the logger
	fmt.Println(log.Stats().AutoEnded)
	// Output: 1
}

// Texts are masked before they leave the goroutine of the call. Package mask has ready-made
// functions for keys, e-mail addresses and card numbers.
func ExampleConfig_mask() {
	log, done := open(logger.Config{Mask: func(text string) string {
		return strings.ReplaceAll(text, "Ada", "[name]")
	}})
	defer done()
	log.Trace(logger.TraceConfig{Input: "Book a flight for Ada."}).End()
	fmt.Println(log.Stats().Accepted)
	// Output: 2
}

// Only traces with an error, that took more than 10 s, or that users disliked are logged, and
// one in a hundred others.
func ExampleTailSampling() {
	log, done := open(logger.Config{Tail: &logger.TailSampling{Slow: 10 * time.Second, KeepRate: 0.01}})
	good := log.Trace(logger.TraceConfig{ID: "a-good-trace"})
	good.End()
	bad := log.Trace(logger.TraceConfig{ID: "a-bad-trace"})
	bad.AddError(logger.ErrorConfig{Message: "no answer"})
	bad.End()
	done() // decides on the traces that are still held
	fmt.Println(log.Stats().SampledOut, log.Stats().Delivered)
	// Output: 2 3
}

// Every entry also goes to a second collector, at its own pace.
func ExampleLogger_AddDestination() {
	log, done := open(logger.Config{})
	copies := server()
	defer copies.Close()
	err := log.AddDestination(logger.Destination{ID: "copies", BaseURL: copies.URL, Durability: logger.MemoryOnly})
	if err != nil {
		fmt.Println(err)
		return
	}
	log.Trace(logger.TraceConfig{}).End()
	done()
	for _, d := range log.Stats().Destinations {
		fmt.Println(d.ID, d.Delivered)
	}
	// Output:
	// my-agents 2
	// copies 2
}

// A batch job that must not end before everything is delivered.
func ExampleLogger_Flush() {
	log, done := open(logger.Config{ManualFlush: true})
	defer done()
	log.Trace(logger.TraceConfig{}).End()
	fmt.Println(log.Stats().Delivered)
	if err := log.Flush(context.Background()); err != nil {
		fmt.Println(err) // how many entries are pending
	}
	fmt.Println(log.Stats().Delivered)
	// Output:
	// 0
	// 2
}

// The counters always balance: what was accepted is delivered, pending, dead or dropped.
func ExampleLogger_Stats() {
	log, done := open(logger.Config{OnError: func(error) {}})
	trace := log.Trace(logger.TraceConfig{})
	trace.AddTag("key", "value")
	trace.SetOutput(make(chan int)) // has no JSON form
	trace.End()
	done()
	s := log.Stats()
	fmt.Println(s)
	fmt.Println(s.RejectedBy)
	// Output:
	// accepted=3 delivered=3 pending=0 dead=0 dropped=0
	// map[value cannot be encoded:1]
}
