package troupelangchain_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/anthropic"
	"github.com/tmc/langchaingo/llms/openai"

	troupelangchain "github.com/troupelog/troupe/integrations/langchaingo"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// weather is the tool that calls offer.
var weather = llms.WithTools([]llms.Tool{{Type: "function", Function: &llms.FunctionDefinition{
	Name: modelserver.ToolName, Parameters: map[string]any{"type": "object"},
}}})

// client returns how the suite calls a model.
func client(m llms.Model, provider string) sdktest.Client {
	call := func(ctx context.Context, prompt string, more ...llms.CallOption) (string, error) {
		r, err := m.GenerateContent(ctx, []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, prompt)}, append(more, weather)...)
		if err != nil {
			return "", err
		}
		for _, c := range r.Choices {
			if len(c.ToolCalls) > 0 {
				return sdktest.CallOf(c.ToolCalls[0].FunctionCall.Name, c.ToolCalls[0].FunctionCall.Arguments), nil
			}
		}
		return r.Choices[0].Content, nil
	}
	return sdktest.Client{
		Provider: provider, Tries: 1, AboveHTTP: true, HidesCancel: true,
		Ask: func(ctx context.Context, prompt string) (string, error) { return call(ctx, prompt) },
		Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
			return call(ctx, prompt, llms.WithStreamingFunc(func(_ context.Context, chunk []byte) error {
				if piece != nil && len(chunk) > 0 {
					piece(string(chunk))
				}
				return nil
			}))
		},
	}
}

// connections returns an HTTP client that logs too: what is wrapped must be logged once.
func connections(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: llm.Transport(transport, llm.Options{})}
}

func TestOpenAI(t *testing.T) {
	sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
		m, err := openai.New(openai.WithBaseURL(url+"/v1"), openai.WithToken("k"), openai.WithModel(sdktest.ModelName), openai.WithHTTPClient(connections(t)))
		if err != nil {
			t.Fatal(err)
		}
		return client(troupelangchain.Model(m, troupelangchain.Options{Model: sdktest.ModelName}), "openai")
	})
}

func TestAnthropic(t *testing.T) {
	sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
		m, err := anthropic.New(anthropic.WithBaseURL(url+"/v1"), anthropic.WithToken("k"), anthropic.WithModel(sdktest.ModelName), anthropic.WithHTTPClient(connections(t)))
		if err != nil {
			t.Fatal(err)
		}
		return client(troupelangchain.Model(m, troupelangchain.Options{Model: sdktest.ModelName}), "anthropic")
	})
}

// played is a model that does what it is told.
type played struct {
	generate func(ctx context.Context, c llms.CallOptions) (*llms.ContentResponse, error)
}

func (p played) GenerateContent(ctx context.Context, _ []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	var c llms.CallOptions
	for _, o := range options {
		o(&c)
	}
	return p.generate(ctx, c)
}

func (p played) Call(context.Context, string, ...llms.CallOption) (string, error) { return "", nil }

func recording(t *testing.T) (context.Context, *loggertest.Recorder) {
	t.Helper()
	log, rec := loggertest.New(t, logger.Config{})
	ctx, _ := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{ID: "turn"})
	return ctx, rec
}

// ended ends the trace of a context and checks that all in it is ended.
func ended(ctx context.Context, t *testing.T, rec *loggertest.Recorder) {
	t.Helper()
	logger.FromContext(ctx).Trace().End()
	rec.AllEnded(t)
}

func TestMessagesOfEachKind(t *testing.T) {
	ctx, rec := recording(t)
	m := troupelangchain.Model(played{func(context.Context, llms.CallOptions) (*llms.ContentResponse, error) {
		return &llms.ContentResponse{Choices: []*llms.ContentChoice{{Content: "done", StopReason: "end_turn"}}}, nil
	}}, troupelangchain.Options{})
	_, err := m.GenerateContent(ctx, []llms.MessageContent{
		llms.TextParts(llms.ChatMessageTypeSystem, "Be brief.", "Be kind."),
		{Role: llms.ChatMessageTypeHuman, Parts: []llms.ContentPart{llms.TextPart("look"), llms.ImageURLWithDetailPart("https://example.com/a.png", "low")}},
		{Role: llms.ChatMessageTypeAI, Parts: []llms.ContentPart{llms.ToolCall{ID: "call_1", Type: "function", FunctionCall: &llms.FunctionCall{Name: "f", Arguments: "{}"}}}},
		{Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{
			llms.ToolCallResponse{ToolCallID: "call_1", Name: "f", Content: "one"}, llms.ToolCallResponse{ToolCallID: "call_2", Name: "f", Content: "two"},
		}},
	}, llms.WithTemperature(0.2), llms.WithModel("m"))
	if err != nil {
		t.Fatal(err)
	}
	begun := rec.One(t, "trace", "add-generation").Data
	want := []any{
		map[string]any{"role": "system", "content": "Be brief.\nBe kind."},
		map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "look"}}},
		map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{
			map[string]any{"id": "call_1", "type": "function", "function": map[string]any{"name": "f", "arguments": "{}"}},
		}},
		map[string]any{"role": "tool", "content": "one", "name": "f", "tool_call_id": "call_1"},
		map[string]any{"role": "tool", "content": "two", "name": "f", "tool_call_id": "call_2"},
	}
	if diff := cmp.Diff(want, begun["messages"]); diff != "" {
		t.Error(diff)
	}
	if begun["provider"] != "troupelangchain_test" || begun["model"] != "m" {
		t.Errorf("model %v of %v", begun["model"], begun["provider"])
	}
	if image := rec.Find(t, "", "add-attachment"); len(image) != 1 || image[0].Data["url"] != "https://example.com/a.png" {
		t.Errorf("attached %v", image)
	}
	if p, _ := begun["modelParameters"].(map[string]any); p["temperature"] != "0.2" {
		t.Errorf("parameters %v", p)
	}
	ended(ctx, t, rec)
	rec.NoErrors(t)
}

func TestTheStreamingFunctionSeesTheTrace(t *testing.T) {
	ctx, rec := recording(t)
	ctx, span := logger.StartSpan(ctx, logger.SpanConfig{ID: "work"})
	m := troupelangchain.Model(played{func(ctx context.Context, c llms.CallOptions) (*llms.ContentResponse, error) {
		if logger.FromContext(ctx).Active() {
			t.Error("the model sees the trace, so what is below it logs the call again")
		}
		return &llms.ContentResponse{}, c.StreamingFunc(ctx, []byte("x"))
	}}, troupelangchain.Options{})
	_, err := m.GenerateContent(ctx, nil, llms.WithStreamingFunc(func(ctx context.Context, _ []byte) error {
		logger.FromContext(ctx).AddEvent(logger.EventConfig{Name: "chunk"})
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	span.End()
	if l := rec.One(t, "", "add-event"); l.ID != "work" {
		t.Errorf("the event is in %s", l.ID)
	}
	ended(ctx, t, rec)
}

func TestAPanicOfTheModelGoesOn(t *testing.T) {
	ctx, rec := recording(t)
	m := troupelangchain.Model(played{func(context.Context, llms.CallOptions) (*llms.ContentResponse, error) { panic("mine") }}, troupelangchain.Options{})
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("the panic did not reach the caller")
			}
		}()
		_, _ = m.GenerateContent(ctx, nil)
	}()
	result, _ := rec.One(t, "generation", "result").Data["result"].(map[string]any)
	if failed, _ := result["error"].(map[string]any); failed["type"] != "panic" {
		t.Errorf("logged %v", result)
	}
	ended(ctx, t, rec)
}

func TestCallIsLoggedToo(t *testing.T) {
	ctx, rec := recording(t)
	m := troupelangchain.Model(played{func(context.Context, llms.CallOptions) (*llms.ContentResponse, error) {
		return nil, errors.New("down")
	}}, troupelangchain.Options{})
	if _, err := llms.GenerateFromSinglePrompt(ctx, m, "Hi"); err == nil {
		t.Error("the error was swallowed")
	}
	if _, err := m.Call(ctx, "Hi"); err == nil { //nolint:staticcheck // programs call it still
		t.Error("the error was swallowed")
	}
	if n := len(rec.Find(t, "trace", "add-generation")); n != 2 {
		t.Errorf("%d generations", n)
	}
	ended(ctx, t, rec)
}

func TestReasoningIsAskedOfTheModel(t *testing.T) {
	m, err := openai.New(openai.WithToken("k"), openai.WithModel("o3"))
	if err != nil {
		t.Fatal(err)
	}
	want := m.SupportsReasoning()
	wrapped, ok := troupelangchain.Model(m, troupelangchain.Options{}).(llms.ReasoningModel)
	if !ok || wrapped.SupportsReasoning() != want {
		t.Errorf("wrapped it says otherwise than %t", want)
	}
	if plain := troupelangchain.Model(played{}, troupelangchain.Options{}).(llms.ReasoningModel); plain.SupportsReasoning() {
		t.Error("a model that cannot reason is said to")
	}
}
