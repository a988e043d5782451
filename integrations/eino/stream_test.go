package troupeeino_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/logger"
)

func TestAStreamIsLoggedAsItsWhole(t *testing.T) {
	h, ctx, rec := recording(t)
	first := 0
	parts := said("Let me", " look", "")
	parts[1].ToolCalls = []schema.ToolCall{{Index: &first, ID: "call_1", Type: "function", Function: schema.FunctionCall{Name: "weather", Arguments: `{"ci`}}}
	parts[2].ToolCalls = []schema.ToolCall{{Index: &first, Function: schema.FunctionCall{Arguments: `ty":"Oslo"}`}}}
	parts[2].ReasoningContent = "they want rain"
	s, err := chain(t, &fakeModel{chunks: parts}).Stream(ctx, "Weather?", compose.WithCallbacks(h))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := read(s); text != "Let me look" || err != nil {
		t.Errorf("the caller got %q, %v", text, err)
	}
	settle(t, h, rec)
	choice := result(t, rec)["choices"].([]any)[0].(map[string]any)
	want := map[string]any{
		"role": "assistant", "content": "Let me look", "reasoning_content": "they want rain",
		"tool_calls": []any{map[string]any{
			"index": 0.0, "id": "call_1", "type": "function", "function": map[string]any{"name": "weather", "arguments": `{"city":"Oslo"}`},
		}},
	}
	if diff := cmp.Diff(want, choice["message"]); diff != "" {
		t.Error(diff)
	}
	usage, _ := result(t, rec)["usage"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"reasoning_tokens": 2.0}, usage["completion_tokens_details"]); diff != "" {
		t.Error(diff)
	}
	if metric := rec.One(t, "generation", "update").Data["metrics"].(map[string]any); metric["time_to_first_token_ms"] == nil {
		t.Errorf("metrics are %v", metric)
	}
	rec.Logged(t, "trace", "update", map[string]any{"output": "Let me look"})
}

func TestWhatIsAroundAStreamEndsBehindIt(t *testing.T) {
	h, ctx, rec := recording(t)
	s, err := chain(t, &fakeModel{chunks: said("a", "b", "c")}).Stream(ctx, "q", compose.WithCallbacks(h))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(s); err != nil {
		t.Error(err)
	}
	settle(t, h, rec)
	lines := rec.Lines(t)
	if last := lines[len(lines)-1]; last.Entity != "trace" || last.Action != "end" {
		t.Errorf("the last line is %v", last)
	}
}

func TestAStreamThatFailsIsAnErrorWithWhatCame(t *testing.T) {
	h, ctx, rec := recording(t)
	fault := errors.New("connection reset")
	s, err := chain(t, &fakeModel{chunks: said("Sun", "ny"), err: fault}).Stream(ctx, "q", compose.WithCallbacks(h))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := read(s); text != "Sunny" || !errors.Is(err, fault) {
		t.Errorf("the caller got %q, %v", text, err)
	}
	settle(t, h, rec)
	failed, _ := result(t, rec)["error"].(map[string]any)
	if failed["message"] != fault.Error() {
		t.Errorf("logged %v", failed)
	}
	rec.Logged(t, "generation", "update", map[string]any{"metadata": map[string]any{"answer_so_far": "Sunny"}})
	rec.Logged(t, "trace", "add-error", map[string]any{"message": fault.Error()})
}

func TestAReaderThatClosesEarlyLosesNothing(t *testing.T) {
	h, ctx, rec := recording(t)
	s, err := chain(t, &fakeModel{chunks: said("a", "b", "c", "d")}).Stream(ctx, "q", compose.WithCallbacks(h))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Error(err)
	}
	s.Close()
	settle(t, h, rec)
	choice := result(t, rec)["choices"].([]any)[0].(map[string]any)
	if text := choice["message"].(map[string]any)["content"]; text != "abcd" {
		t.Errorf("logged %v", text)
	}
}

func TestEveryCopyOfAStreamIsClosed(t *testing.T) {
	for name, logged := range map[string]bool{"logged": true, "not logged": false} {
		t.Run(name, func(t *testing.T) {
			h, ctx, rec := recording(t)
			if !logged {
				ctx = t.Context()
			}
			// The source learns that it is closed when all copies are.
			source, w := schema.Pipe[string](0)
			ctx = callbacks.InitCallbacks(ctx, &callbacks.RunInfo{Name: "node", Component: "Lambda"}, h)
			ctx, in := callbacks.OnStartWithStreamInput(ctx, source)
			out := schema.StreamReaderWithConvert(in, func(s string) (string, error) { return s + "!", nil })
			_, out = callbacks.OnEndWithStreamOutput(ctx, out)
			w2 := make(chan struct{})
			go func() {
				defer close(w2)
				w.Send("a", nil)
				w.Close()
			}()
			for {
				if _, err := out.Recv(); err != nil {
					break
				}
			}
			out.Close()
			<-w2
			settle(t, h, rec)
			if closed := w.Send("late", nil); !closed {
				t.Error("a copy is open")
			}
			if logged {
				rec.Logged(t, "trace", "update", map[string]any{"input": "a"})
				rec.Logged(t, "trace", "update", map[string]any{"output": "a!"})
			}
		})
	}
}

func TestInputsAreNotChanged(t *testing.T) {
	h, ctx, rec := recording(t)
	data := "aGk="
	in := []*schema.Message{schema.UserMessage("look"), {Role: schema.User, UserInputMultiContent: []schema.MessageInputPart{
		{Type: schema.ChatMessagePartTypeText, Text: "this"},
		{Type: schema.ChatMessagePartTypeImageURL, Image: &schema.MessageInputImage{MessagePartCommon: schema.MessagePartCommon{Base64Data: &data, MIMEType: "image/png"}}},
	}}}
	before := cloned(in)
	ctx = callbacks.InitCallbacks(ctx, &callbacks.RunInfo{Type: "Claude", Component: "ChatModel"}, h)
	chunks := said("a", "b")
	beforeChunks := cloned(chunks)
	s, err := (&fakeModel{chunks: chunks}).Stream(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(s); err != nil {
		t.Error(err)
	}
	settle(t, h, rec)
	if diff := cmp.Diff(before, in); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(beforeChunks, chunks); diff != "" {
		t.Error(diff)
	}
	begun := rec.One(t, "trace", "add-generation").Data
	if begun["provider"] != "anthropic" || begun["name"] != "ClaudeChatModel" {
		t.Errorf("logged %v of %v", begun["name"], begun["provider"])
	}
	if n := len(rec.Contents(t)); n != 1 {
		t.Errorf("%d attachments, want the image", n)
	}
}

func cloned(in []*schema.Message) []*schema.Message {
	out := slices.Clone(in)
	for i, m := range out {
		c := *m
		c.UserInputMultiContent = slices.Clone(m.UserInputMultiContent)
		out[i] = &c
	}
	return out
}

func TestWaitEndsWithItsContext(t *testing.T) {
	h, ctx, rec := recording(t)
	source, w := schema.Pipe[string](0)
	run := callbacks.InitCallbacks(ctx, &callbacks.RunInfo{Name: "node", Component: "Lambda"}, h)
	run, in := callbacks.OnStartWithStreamInput(run, source)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Wait(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait returned %v while a stream is open", err)
	}
	w.Close()
	in.Close()
	callbacks.OnEnd(run, "x")
	settle(t, h, rec)
	_ = logger.FromContext(run)
}
