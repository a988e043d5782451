// Command quickstart logs one run of an agent and shows the result, as the
// command troupe show does. It needs no account and no server: the collector runs
// in this process, and its files go away with it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	// 1. Start a collector, on a free port and in a temporary folder. In real life it
	// is a separate process: troupe serve.
	server, err := collector.Start(collector.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close(ctx)) }()

	// 2. Start a logger that writes to the log repository "quickstart" there.
	log, err := logger.New(logger.Config{ID: "quickstart", BaseURL: server.URL()})
	if err != nil {
		return err
	}
	// Without a server, the error of Close says how many entries are kept, and in which
	// folder; the next run delivers them.
	defer func() { err = errors.Join(err, log.Close(ctx)) }()

	// 3. Log. No call waits for the network, and none returns an error: failures
	// are counted and reported to Config.OnError.
	session := log.Session(logger.SessionConfig{Name: "support chat"})
	trace := session.AddTrace(logger.TraceConfig{Name: "turn 1", Input: "Where is my order 7?"})
	answer(trace)
	trace.SetOutput("Order 7 is on its way and arrives on Friday.")
	trace.AddFeedback(logger.Feedback{Score: 5, Comment: "quick and friendly"})
	trace.End()
	session.End()

	// 4. Flush waits until the collector has stored all of it, Settle until all of it
	// can be read, too.
	if err := errors.Join(log.Flush(ctx), server.WaitIndexed(ctx)); err != nil {
		return err
	}

	// 5. Print the collector's trace and the logger's counters: every entry it
	// accepted is delivered, pending, dead (refused by the server) or dropped.
	if err := show(ctx, out, server.URL()+"/api/v1/repositories/quickstart/traces/"+trace.ID()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, log.Stats())
	return err
}

// answer is the agent: a search, a tool, an error, and a call of a model.
func answer(trace logger.Trace) {
	agent := trace.AddSpan(logger.SpanConfig{Name: "order agent"})
	defer agent.End()

	search := agent.AddRetrieval(logger.RetrievalConfig{Name: "help pages"})
	search.SetInput("delivery times")
	search.SetOutput([]string{"Parcels take two working days."}) // ends it, as Result does below

	lookup := agent.AddSpan(logger.SpanConfig{Name: "look up"})
	find := lookup.AddToolCall(logger.ToolCallConfig{Name: "find_order", Args: map[string]any{"id": 7}})
	find.Result(map[string]any{"sent": "Wednesday", "carrier": "ACME"})
	lookup.AddError(logger.ErrorConfig{Name: "carrier", Type: "timeout", Message: "the carrier's site did not answer"})
	lookup.End()

	gen := agent.AddGeneration(logger.GenerationConfig{
		Provider: "openai", Model: "gpt-4o", ModelParameters: map[string]any{"temperature": 0.2},
		Messages: []logger.Message{
			{Role: "system", Content: "Answer in one sentence."},
			{Role: "user", Content: "Where is my order 7?"},
		},
	})
	// Result takes the response of your provider's SDK, or its JSON.
	gen.Result(json.RawMessage(`{"id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "gpt-4o",
		"choices": [{"index": 0, "finish_reason": "stop", "message":
			{"role": "assistant", "content": "Order 7 is on its way and arrives on Friday."}}],
		"usage": {"prompt_tokens": 38, "completion_tokens": 12, "total_tokens": 50}}`))
}

// show asks the collector for a trace and prints it as a tree.
func show(ctx context.Context, out io.Writer, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answered %s", resp.Status)
	}
	var trace collector.Trace
	if err := json.NewDecoder(resp.Body).Decode(&trace); err != nil {
		return err
	}
	return trace.WriteTree(out)
}
