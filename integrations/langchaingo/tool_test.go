package troupelangchain_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tmc/langchaingo/schema"

	troupelangchain "github.com/troupelog/troupe/integrations/langchaingo"
)

var errDown = errors.New("down")

// echo is a tool.
type echo struct{}

func (echo) Name() string        { return "echo" }
func (echo) Description() string { return "says it again" }
func (echo) Call(_ context.Context, input string) (string, error) {
	switch input {
	case "fail":
		return "half", errDown
	case "panic":
		panic("mine")
	}
	return input, nil
}

func TestAToolIsLogged(t *testing.T) {
	ctx, rec := recording(t)
	tool := troupelangchain.Tool(echo{})
	if tool.Name() != "echo" || tool.Description() != "says it again" {
		t.Error("it is another tool")
	}
	if got, err := tool.Call(ctx, "x"); got != "x" || err != nil {
		t.Errorf("the caller got %q, %v", got, err)
	}
	if got, err := tool.Call(ctx, "fail"); got != "half" || !errors.Is(err, errDown) {
		t.Errorf("the caller got %q, %v", got, err)
	}
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("the panic did not reach the caller")
			}
		}()
		_, _ = tool.Call(ctx, "panic")
	}()
	rec.Logged(t, "trace", "add-tool-call", map[string]any{"name": "echo", "description": "says it again", "args": "x"})
	rec.Logged(t, "tool_call", "result", map[string]any{"result": "x"})
	if failed := rec.Find(t, "tool_call", "error"); len(failed) != 2 {
		t.Errorf("logged as failed: %v", failed)
	}
	ended(ctx, t, rec)
	rec.NoErrors(t)
	if got, err := tool.Call(t.Context(), "x"); got != "x" || err != nil || len(rec.Find(t, "trace", "add-tool-call")) != 3 {
		t.Errorf("without a trace the caller got %q, %v", got, err)
	}
}

// shelf is a retriever.
type shelf struct{}

func (shelf) GetRelevantDocuments(_ context.Context, query string) ([]schema.Document, error) {
	if query == "fail" {
		return nil, errDown
	}
	return []schema.Document{{PageContent: "about " + query, Metadata: map[string]any{"page": 3}, Score: 0.5}}, nil
}

func TestARetrieverIsLogged(t *testing.T) {
	ctx, rec := recording(t)
	r := troupelangchain.Retriever(shelf{})
	if docs, err := r.GetRelevantDocuments(ctx, "books"); len(docs) != 1 || err != nil {
		t.Errorf("the caller got %v, %v", docs, err)
	}
	if _, err := r.GetRelevantDocuments(ctx, "fail"); !errors.Is(err, errDown) {
		t.Errorf("the caller got %v", err)
	}
	rec.Logged(t, "retrieval", "update", map[string]any{"input": "books"})
	rec.Logged(t, "retrieval", "update", map[string]any{"docs": []any{
		map[string]any{"content": "about books", "metadata": map[string]any{"page": 3.0}, "score": 0.5},
	}})
	rec.Logged(t, "trace", "add-error", map[string]any{"message": "down"})
	ended(ctx, t, rec)
	rec.NoErrors(t)
}

func TestConcurrentToolsAreLoggedEachOnItsOwn(t *testing.T) {
	ctx, rec := recording(t)
	tool := troupelangchain.Tool(echo{})
	var calls sync.WaitGroup
	for i := range 100 {
		calls.Go(func() {
			if _, err := tool.Call(ctx, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	asked := map[string]any{}
	for _, l := range rec.Find(t, "trace", "add-tool-call") {
		asked[l.Data["id"].(string)] = l.Data["args"]
	}
	results := rec.Find(t, "tool_call", "result")
	for _, l := range results {
		if asked[l.ID] != l.Data["result"] {
			t.Errorf("asked for %v, logged %v", asked[l.ID], l.Data["result"])
		}
	}
	if len(asked) != 100 || len(results) != 100 {
		t.Errorf("%d calls, %d results", len(asked), len(results))
	}
}
