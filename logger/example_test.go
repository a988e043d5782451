package logger_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/troupelog/troupe/logger"
)

// server stands in for a collector: it acknowledges everything.
func server() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":{}}`) }))
}

func Example() {
	s := server()
	defer s.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: s.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	trace := log.Trace(logger.TraceConfig{Name: "question", Input: "What is a troupe?"})
	gen := trace.AddGeneration(logger.GenerationConfig{
		Provider: "openai", Model: "gpt-4o",
		Messages: []logger.Message{{Role: "user", Content: "What is a troupe?"}},
	})
	gen.Fail(logger.Failure{Message: "rate limited", Code: "429"})
	trace.End()
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(log.Stats())
	// Output: accepted=5 delivered=5 pending=0 dead=0 dropped=0
}

// An id that a line cannot hold is replaced by a safe one, and OnError is called.
func ExampleConfig_onError() {
	s := server()
	defer s.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: s.URL, OnError: func(err error) {
		fmt.Println(errors.Is(err, logger.ErrInvalidID), err)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	log.TraceAddTag("not an id", "key", "value")
	log.TraceAddTag("an-id", "key", "value")
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(log.Stats())
	// Output:
	// true troupe: trace not-an-id-hr2bbbh4usqwiwjb: invalid id: given as "not an id", which a line cannot hold; it is logged under this safe id and found by either. Ids of 1 to 1,024 of A-Z a-z 0-9 _ - stay as they are
	// accepted=2 delivered=2 pending=0 dead=0 dropped=0
}

// The live state of a trace, while it is open.
func ExampleTrace_Snapshot() {
	s := server()
	defer s.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: s.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	trace := log.Trace(logger.TraceConfig{ID: "t"})
	trace.AddToolCall(logger.ToolCallConfig{ID: "search"})
	snapshot, err := trace.Snapshot(context.Background())
	fmt.Println(snapshot.Begun.ToolCalls, snapshot.Open, err)
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Close has ended the open entities: the tool call, then the trace.
	fmt.Println(log.Stats().AutoEnded)
	// Output:
	// 1 [{tool_call search}] <nil>
	// 2
}

// The counters as a variable of expvar, served at /debug/vars.
func ExampleLogger_Var() {
	s := server()
	defer s.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: s.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	expvar.Publish("troupe", log.Var())

	log.Trace(logger.TraceConfig{Name: "question"}).End()
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	var account struct{ Accepted, Delivered, Pending int }
	fmt.Println(json.Unmarshal([]byte(expvar.Get("troupe").String()), &account), account)
	// Output: <nil> {2 2 0}
}
