// Package sdktest is what every adapter for an SDK of language models must do, as a test
// suite: the adapter's own tests say how the SDK is called, the suite calls it against
// package modelserver and checks what was logged.
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// ModelName is the model that clients ask for.
const ModelName = "stand-in-1"

// Client is an SDK with its adapter.
type Client struct {
	// Ask sends a prompt as a message of the user, with the tool modelserver.ToolName,
	// and returns what the model said, or CallOf of the tool that it asks for.
	Ask func(ctx context.Context, prompt string) (string, error)

	// Stream does the same, streamed. It calls piece, unless that is nil, for every piece
	// of text that it gets.
	Stream func(ctx context.Context, prompt string, piece func(string)) (string, error)

	Provider string // as it is logged
	Tries    int    // how often the SDK tries what fails with 429 or 500, and says so

	// AboveHTTP says that the adapter sees the SDK's values, not its requests: it cannot
	// tell status and attempts.
	AboveHTTP bool

	// HidesCancel says that the SDK has another error, or none, for a call whose context
	// ended.
	HidesCancel bool

	// Uncounted says that the SDK does not pass on the tokens that were cached or thought.
	Uncounted bool

	// Settle waits until all that was called is logged; nil if it is when calls return.
	Settle func(ctx context.Context) error
}

// CallOf is what Client.Ask and Client.Stream return for the call of a tool.
func CallOf(name, args string) string {
	return name + " " + strings.Join(strings.Fields(args), "")
}

// hung is the longest that a test waits for anything.
const hung = 20 * time.Second

// Run runs the suite for what dial returns for the address of a server.
func Run(t *testing.T, dial func(t *testing.T, url string) Client) {
	t.Helper()
	for name, test := range map[string]func(*rig){
		"whole":                 func(r *rig) { r.answered(false) },
		"streamed":              func(r *rig) { r.answered(true) },
		"tool, whole":           func(r *rig) { r.tool(false) },
		"tool, streamed":        func(r *rig) { r.tool(true) },
		"429, whole":            func(r *rig) { r.refused(false, modelserver.Limit, modelserver.LimitMessage) },
		"429, streamed":         func(r *rig) { r.refused(true, modelserver.Limit, modelserver.LimitMessage) },
		"500, whole":            func(r *rig) { r.refused(false, modelserver.Fault, modelserver.FaultMessage) },
		"500, streamed":         func(r *rig) { r.refused(true, modelserver.Fault, modelserver.FaultMessage) },
		"tried again, whole":    func(r *rig) { r.triedAgain(false) },
		"tried again, streamed": func(r *rig) { r.triedAgain(true) },
		"cancelled, whole":      func(r *rig) { r.cancelled(false) },
		"cancelled, streamed":   func(r *rig) { r.cancelled(true) },
		"truncated, whole":      func(r *rig) { r.truncated(false) },
		"truncated, streamed":   func(r *rig) { r.truncated(true) },
		"100 at once":           func(r *rig) { r.concurrent(100) },
		"without a trace":       func(r *rig) { r.withoutTrace() },
	} {
		t.Run(name, func(t *testing.T) { test(newRig(t, dial)) })
	}
}

// rig is a program that calls a model: a server, a client, a logger, and a context with a
// trace.
type rig struct {
	t      *testing.T
	server *modelserver.Server
	client Client
	rec    *loggertest.Recorder
	ctx    context.Context
}

func newRig(t *testing.T, dial func(t *testing.T, url string) Client) *rig {
	t.Helper()
	r := &rig{t: t, server: modelserver.New()}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		r.server.Close()
	})
	r.client = dial(t, r.server.URL)
	log, rec := loggertest.New(t, logger.Config{})
	ctx, cancel := context.WithTimeout(logger.NewContext(t.Context(), log), hung)
	t.Cleanup(cancel)
	r.rec = rec
	r.ctx, _ = logger.StartTrace(ctx, logger.TraceConfig{ID: "turn"})
	return r
}

// call calls the model, streamed or not.
func (r *rig) call(ctx context.Context, streamed bool, prompt string, piece func(string)) (string, error) {
	if streamed {
		return r.client.Stream(ctx, prompt, piece)
	}
	return r.client.Ask(ctx, prompt)
}

// generation is what was logged of a call.
type generation struct {
	parent  string
	begun   map[string]any // add-generation
	result  map[string]any // the last one
	facts   map[string]any // metadata
	metrics map[string]any
	failed  int // results that are errors
	ends    int // ends, or results with an end
}

// generations returns what was logged, in the order of the calls, and fails the test for
// any entity but generations and traces.
func (r *rig) generations() []*generation {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), hung)
	defer cancel()
	if r.client.Settle != nil {
		if err := r.client.Settle(ctx); err != nil {
			r.t.Fatal(err)
		}
	}
	var all []*generation
	byID := map[string]*generation{}
	for _, l := range r.rec.Lines(r.t) {
		switch {
		case l.Action == "add-generation":
			g := &generation{parent: l.ID, begun: l.Data, facts: map[string]any{}, metrics: map[string]any{}}
			all, byID[l.Data["id"].(string)] = append(all, g), g
		case l.Entity == "generation":
			g := byID[l.ID]
			if g == nil {
				r.t.Errorf("a line of an unknown generation: %v", l)
				continue
			}
			g.take(l)
		case l.Entity != "trace" || l.Action == "add-span":
			r.t.Errorf("logged besides: %v", l)
		}
	}
	r.rec.NoErrors(r.t)
	if n := llm.Panics(); n != 0 {
		r.t.Errorf("%d panics inside", n)
	}
	return all
}

func (g *generation) take(l loggertest.Line) {
	switch l.Action {
	case "result":
		g.result, _ = l.Data["result"].(map[string]any)
		if g.result["error"] != nil {
			g.failed++
		}
	case "end":
		g.ends++
	case "update":
		for _, name := range []string{"metadata", "metrics"} {
			members, _ := l.Data[name].(map[string]any)
			for k, v := range members {
				map[string]map[string]any{"metadata": g.facts, "metrics": g.metrics}[name][k] = v
			}
		}
	}
}

// one returns the only generation.
func (r *rig) one() *generation {
	r.t.Helper()
	all := r.generations()
	if len(all) != 1 {
		r.t.Fatalf("%d generations were logged, want 1", len(all))
	}
	g := all[0]
	if g.ends != 1 {
		r.t.Errorf("the generation ended %d times", g.ends)
	}
	if g.begun["provider"] != r.client.Provider || g.begun["model"] != ModelName {
		r.t.Errorf("logged as model %v of %v, want %s of %s", g.begun["model"], g.begun["provider"], ModelName, r.client.Provider)
	}
	return g
}

// said returns the text or the call of a tool of a result, in either form of OpenAI's.
func (g *generation) said() string {
	if choices, _ := g.result["choices"].([]any); len(choices) > 0 {
		message, _ := choices[0].(map[string]any)["message"].(map[string]any)
		if calls, _ := message["tool_calls"].([]any); len(calls) > 0 {
			f, _ := calls[0].(map[string]any)["function"].(map[string]any)
			return CallOf(fmt.Sprint(f["name"]), fmt.Sprint(f["arguments"]))
		}
		text, _ := message["content"].(string)
		return text
	}
	items, _ := g.result["output"].([]any)
	if len(items) == 0 {
		return ""
	}
	item, _ := items[0].(map[string]any)
	if item["type"] == "function_call" {
		return CallOf(fmt.Sprint(item["name"]), fmt.Sprint(item["arguments"]))
	}
	parts, _ := item["content"].([]any)
	if len(parts) == 0 {
		return ""
	}
	text, _ := parts[0].(map[string]any)["text"].(string)
	return text
}

// finish returns why the model stopped, "" for the form that has no such member.
func (g *generation) finish() string {
	choices, _ := g.result["choices"].([]any)
	if len(choices) == 0 {
		return ""
	}
	why, _ := choices[0].(map[string]any)["finish_reason"].(string)
	return why
}

// tokens returns the counts of a result: input, cached, output.
func (g *generation) tokens() [3]float64 {
	usage, _ := g.result["usage"].(map[string]any)
	count := func(of map[string]any, names ...string) float64 {
		for _, name := range names {
			if n, ok := of[name].(float64); ok {
				return n
			}
		}
		return 0
	}
	details, _ := usage["prompt_tokens_details"].(map[string]any)
	if details == nil {
		details, _ = usage["input_tokens_details"].(map[string]any)
	}
	return [3]float64{
		count(usage, "prompt_tokens", "input_tokens"), count(details, "cached_tokens"), count(usage, "completion_tokens", "output_tokens"),
	}
}

// errorMessage returns the message of the error of a result, "" for none.
func (g *generation) errorMessage() string {
	of, _ := g.result["error"].(map[string]any)
	text, _ := of["message"].(string)
	return text
}

// answered checks a call that works.
func (r *rig) answered(streamed bool) {
	got, err := r.call(r.ctx, streamed, modelserver.Hello, nil)
	if got != modelserver.Greeting || err != nil {
		r.t.Fatalf("the caller got %q, %v", got, err)
	}
	g := r.one()
	r.whole(g, streamed)
	if g.said() != modelserver.Greeting {
		r.t.Errorf("logged %v", g.result)
	}
	if why := g.finish(); why != "stop" && why != "" {
		r.t.Errorf("it stopped for %q", why)
	}
	messages := fmt.Sprint(g.begun["messages"])
	if !strings.Contains(messages, modelserver.Hello) || !strings.Contains(messages, "user") {
		r.t.Errorf("the messages are %s", messages)
	}
	tools, _ := g.begun["modelParameters"].(map[string]any)
	if !strings.Contains(fmt.Sprint(tools["tools"]), modelserver.ToolName) {
		r.t.Errorf("the parameters are %v", tools)
	}
}

// whole checks what every answer that came to its end has.
func (r *rig) whole(g *generation, streamed bool) {
	r.t.Helper()
	want := [3]float64{modelserver.Input, modelserver.Cached, modelserver.Output}
	if r.client.Uncounted {
		want[1] = 0
	}
	if diff := cmp.Diff(want, g.tokens()); diff != "" {
		r.t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if _, told := g.metrics["time_to_first_token_ms"]; told != streamed {
		r.t.Errorf("metrics %v of a call that is streamed: %t", g.metrics, streamed)
	}
	if !r.client.AboveHTTP && (g.facts["http.status"] != "200" || g.facts["request_id"] != modelserver.RequestID) {
		r.t.Errorf("metadata %v", g.facts)
	}
	if g.failed != 0 {
		r.t.Errorf("%d errors were logged: %v", g.failed, g.result)
	}
}

// tool checks a call that the model answers with the call of a tool.
func (r *rig) tool(streamed bool) {
	want := CallOf(modelserver.ToolName, modelserver.ToolArgs)
	got, err := r.call(r.ctx, streamed, modelserver.Tool, nil)
	if got != want || err != nil {
		r.t.Fatalf("the caller got %q, %v", got, err)
	}
	g := r.one()
	if g.said() != want {
		r.t.Errorf("logged %v", g.result)
	}
	if why := g.finish(); why != "tool_calls" && why != "" {
		r.t.Errorf("it stopped for %q", why)
	}
	if g.failed != 0 {
		r.t.Errorf("logged %v", g.result)
	}
}

// refused checks a call that fails at the server, however often it is tried.
func (r *rig) refused(streamed bool, scene, message string) {
	ctx, done := context.WithCancel(r.ctx)
	defer done()
	if got, err := r.call(ctx, streamed, scene, nil); err == nil {
		r.t.Fatalf("the caller got %q", got)
	}
	done() // that no other try comes is known when the context ends
	r.await(func() bool { return len(r.rec.Find(r.t, "generation", "end")) == 1 })
	g := r.one()
	if !strings.Contains(g.errorMessage(), message) {
		r.t.Errorf("logged %v", g.result)
	}
	if r.client.AboveHTTP {
		return
	}
	if r.client.Tries > 1 && g.facts["attempts"] != fmt.Sprint(r.client.Tries) || g.failed != r.client.Tries {
		r.t.Errorf("%d errors and metadata %v, want %d tries", g.failed, g.facts, r.client.Tries)
	}
}

// await waits for a condition.
func (r *rig) await(met func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			r.t.Fatal("the call is not logged to its end")
		}
	}
}

// triedAgain checks a call that works when it is tried again.
func (r *rig) triedAgain(streamed bool) {
	if r.client.Tries < 2 {
		if _, err := r.call(r.ctx, streamed, modelserver.Flaky+" once", nil); err == nil {
			r.t.Error("the SDK has tried again: Tries is wrong")
		}
		return
	}
	got, err := r.call(r.ctx, streamed, modelserver.Flaky+" once", nil)
	if got != modelserver.Greeting || err != nil {
		r.t.Fatalf("the caller got %q, %v", got, err)
	}
	g := r.one()
	if g.said() != modelserver.Greeting || g.failed != 1 || g.facts["attempts"] != "2" {
		r.t.Errorf("logged %v, %d errors, metadata %v", g.result, g.failed, g.facts)
	}
}

// cancelled checks a call whose context ends in its middle.
func (r *rig) cancelled(streamed bool) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	waited := make(chan error, 1)
	go func() {
		waited <- r.server.Await(r.ctx)
		if !streamed {
			cancel()
		}
	}()
	_, err := r.call(ctx, streamed, modelserver.Wait, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) && !r.client.HidesCancel {
		r.t.Errorf("the caller got %v", err)
	}
	if err := <-waited; err != nil {
		r.t.Error(err)
	}
	g := r.one()
	of, _ := g.result["error"].(map[string]any)
	if of["type"] != "cancelled" {
		r.t.Errorf("logged %v", g.result)
	}
	if streamed && !strings.Contains(g.said()+fmt.Sprint(g.facts), modelserver.FirstPiece) {
		r.t.Errorf("what came before is not logged: %v, %v", g.result, g.facts)
	}
}

// truncated checks a call whose answer breaks off.
func (r *rig) truncated(streamed bool) {
	ctx, done := context.WithCancel(r.ctx)
	defer done()
	if got, err := r.call(ctx, streamed, modelserver.Cut, nil); err == nil {
		r.t.Errorf("the caller got %q and no error", got)
	}
	done()
	r.await(func() bool { return len(r.rec.Find(r.t, "generation", "end")) == 1 })
	g := r.one()
	if g.errorMessage() == "" {
		r.t.Errorf("logged %v", g.result)
	}
	if streamed && !strings.Contains(g.said()+fmt.Sprint(g.facts), modelserver.FirstPiece) {
		r.t.Errorf("what came before is not logged: %v, %v", g.result, g.facts)
	}
}

// concurrent checks calls at the same time, half of them streamed, each in its own trace.
func (r *rig) concurrent(n int) {
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			word := fmt.Sprint("word", i)
			ctx, trace := logger.StartTrace(r.ctx, logger.TraceConfig{ID: word})
			defer trace.End()
			got, err := r.call(ctx, i%2 == 0, modelserver.Echo+" "+word, nil)
			if got != word || err != nil {
				r.t.Errorf("the caller of %s got %q, %v", word, got, err)
			}
		})
	}
	calls.Wait()
	all := r.generations()
	seen := map[string]bool{}
	for _, g := range all {
		seen[g.parent] = true
		if g.said() != g.parent || g.ends != 1 || !strings.Contains(fmt.Sprint(g.begun["messages"]), modelserver.Echo+" "+g.parent) {
			r.t.Errorf("in trace %s is %v, ended %d times", g.parent, g.result, g.ends)
		}
	}
	if len(all) != n || len(seen) != n {
		r.t.Errorf("%d generations in %d traces, want %d in as many", len(all), len(seen), n)
	}
}

// withoutTrace checks calls whose context says nothing of a log.
func (r *rig) withoutTrace() {
	for _, streamed := range []bool{false, true} {
		got, err := r.call(r.t.Context(), streamed, modelserver.Hello, nil)
		if got != modelserver.Greeting || err != nil {
			r.t.Errorf("the caller got %q, %v", got, err)
		}
	}
	if all := r.generations(); len(all) != 0 {
		r.t.Errorf("%d generations were logged", len(all))
	}
}
