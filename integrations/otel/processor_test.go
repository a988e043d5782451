package troupeotel

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// instrumented is a program with OpenTelemetry.
type instrumented struct {
	t      *testing.T
	log    *logger.Logger
	rec    *loggertest.Recorder
	tracer trace.Tracer
	p      *Processor
}

func instrument(t *testing.T, options ...sdktrace.TracerProviderOption) *instrumented {
	t.Helper()
	log, rec := loggertest.New(t, logger.Config{})
	p := NewProcessor(log)
	provider := sdktrace.NewTracerProvider(append(options, sdktrace.WithSpanProcessor(p))...)
	t.Cleanup(func() {
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &instrumented{t, log, rec, provider.Tracer("test"), p}
}

// start begins a span with attributes in pairs.
func (i *instrumented) start(ctx context.Context, name string, attributes ...string) (context.Context, trace.Span) {
	var all []attribute.KeyValue
	for n := 0; n < len(attributes); n += 2 {
		all = append(all, attribute.String(attributes[n], attributes[n+1]))
	}
	return i.tracer.Start(ctx, name, trace.WithAttributes(all...))
}

// tree returns what was logged as a line for each entity, "parent > kind name".
func (i *instrumented) tree() []string {
	i.t.Helper()
	names := map[string]string{}
	var lines []string
	for _, l := range i.rec.Lines(i.t) {
		name, _ := l.Data["name"].(string)
		id, _ := l.Data["id"].(string)
		switch l.Action {
		case "create":
			names[l.ID] = name
			lines = append(lines, l.Entity+" "+name)
		case "add-span", "add-generation", "add-tool-call", "add-retrieval":
			names[id] = name
			lines = append(lines, fmt.Sprintf("%s > %s %s", names[l.ID], l.Action[len("add-"):], name))
		}
	}
	i.rec.NoErrors(i.t)
	return lines
}

const (
	operation = "gen_ai.operation.name"
	chatModel = "gen_ai.request.model"
)

func TestSpansOfAnAgentAreOneTree(t *testing.T) {
	i := instrument(t)
	ctx, request := i.start(t.Context(), "POST /ask")
	agent, agentSpan := i.start(ctx, "invoke_agent weather", operation, "invoke_agent", "gen_ai.conversation.id", "talk-1")
	loop, loopSpan := i.start(agent, "loop") // no span of generative AI
	_, chat := i.start(loop, "chat gpt-4o", operation, "chat", chatModel, "gpt-4o", "gen_ai.provider.name", "openai")
	chat.SetAttributes(
		attribute.String("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"Rain?"}]}]`),
		attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"Yes."}],"finish_reason":"stop"}]`),
		attribute.Int("gen_ai.usage.input_tokens", 10), attribute.Int("gen_ai.usage.output_tokens", 2),
		attribute.Float64("gen_ai.request.temperature", 0.5), attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop"}),
	)
	chat.End()
	_, tool := i.start(loop, "execute_tool umbrella", operation, "execute_tool", "gen_ai.tool.name", "umbrella", "gen_ai.tool.call.arguments", `{"open":true}`)
	tool.SetAttributes(attribute.String("gen_ai.tool.call.result", "opened"))
	tool.End()
	_, search := i.start(loop, "docs", "openinference.span.kind", "RETRIEVER", "input.value", "rain")
	search.SetAttributes(attribute.String("retrieval.documents.0.document.content", "It rains."))
	search.End()
	loopSpan.End()
	agentSpan.End()
	request.End()

	want := []string{
		"trace POST /ask", "POST /ask > span invoke_agent weather", "invoke_agent weather > generation chat gpt-4o",
		"invoke_agent weather > tool-call umbrella", "invoke_agent weather > retrieval docs",
	}
	if diff := cmp.Diff(want, i.tree()); diff != "" {
		t.Error(diff)
	}
	i.rec.AllEnded(t)
	created := i.rec.One(t, "trace", "create")
	if created.ID != request.SpanContext().TraceID().String() || created.Data["sessionId"] != "talk-1" {
		t.Errorf("the trace is %v", created)
	}
	i.rec.Logged(t, "span", "add-generation", map[string]any{
		"model": "gpt-4o", "provider": "openai", "messages": []any{map[string]any{"role": "user", "content": "Rain?"}},
		"modelParameters": map[string]any{"temperature": "0.5"},
	})
	i.rec.Logged(t, "span", "add-tool-call", map[string]any{"args": map[string]any{"open": true}})
	i.rec.Logged(t, "tool_call", "result", map[string]any{"result": "opened"})
	i.rec.Logged(t, "retrieval", "update", map[string]any{"input": "rain"})
	result, _ := i.rec.One(t, "generation", "result").Data["result"].(map[string]any)
	usage, _ := result["usage"].(map[string]any)
	if usage["prompt_tokens"] != 10.0 || usage["completion_tokens"] != 2.0 {
		t.Errorf("the result is %v", result)
	}
}

func TestSpansArePartOfTheTraceOfTheirContext(t *testing.T) {
	i := instrument(t)
	ctx, turn := logger.StartTrace(logger.NewContext(t.Context(), i.log), logger.TraceConfig{Name: "turn"})
	ctx, agent := i.start(ctx, "agent", "openinference.span.kind", "AGENT")
	inner, step := logger.StartSpan(ctx, logger.SpanConfig{Name: "step"})
	_, chat := i.start(inner, "chat", operation, "chat", chatModel, "m")
	chat.End()
	step.End()
	_, chat = i.start(ctx, "chat 2", operation, "chat", chatModel, "m")
	chat.End()
	agent.End()
	turn.End()
	want := []string{"trace turn", "turn > span agent", "turn > span step", "step > generation chat", "agent > generation chat 2"}
	if diff := cmp.Diff(want, i.tree()); diff != "" {
		t.Error(diff)
	}
	i.rec.AllEnded(t)
}

func TestOtherSpansAreNotLogged(t *testing.T) {
	i := instrument(t)
	ctx, outer := i.start(t.Context(), "GET /")
	_, inner := i.start(ctx, "SELECT", "db.system", "postgresql")
	inner.End()
	outer.End()
	if got := i.tree(); len(got) != 0 {
		t.Errorf("logged %v", got)
	}
}

func TestSpansThatAreNotSampledAreNotLogged(t *testing.T) {
	i := instrument(t, sdktrace.WithSampler(recordOnly{}))
	_, chat := i.start(t.Context(), "chat", operation, "chat")
	chat.End()
	if got := i.tree(); len(got) != 0 {
		t.Errorf("logged %v", got)
	}
}

// recordOnly records spans and samples none.
type recordOnly struct{}

func (recordOnly) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{Decision: sdktrace.RecordOnly}
}
func (recordOnly) Description() string { return "recordOnly" }

func TestFailuresOfSpans(t *testing.T) {
	i := instrument(t)
	ctx, agent := i.start(t.Context(), "agent", operation, "invoke_agent")
	_, chat := i.start(ctx, "chat", operation, "chat", chatModel, "m", "error.type", "429")
	chat.SetStatus(codes.Error, "slow down")
	chat.End()
	_, tool := i.start(ctx, "tool", operation, "execute_tool", "gen_ai.tool.name", "t")
	tool.RecordError(fmt.Errorf("no rain today"))
	tool.SetStatus(codes.Error, "")
	tool.End()
	agent.RecordError(fmt.Errorf("gave up"))
	agent.SetStatus(codes.Error, "gave up")
	agent.End()
	result, _ := i.rec.One(t, "generation", "result").Data["result"].(map[string]any)
	if failed, _ := result["error"].(map[string]any); failed["message"] != "slow down" || failed["type"] != "429" {
		t.Errorf("the generation's result is %v", result)
	}
	if failed, _ := i.rec.One(t, "tool_call", "error").Data["error"].(map[string]any); failed["message"] != "no rain today" {
		t.Errorf("the tool's error is %v", failed)
	}
	i.rec.Logged(t, "span", "add-error", map[string]any{"message": "gave up"})
	i.rec.AllEnded(t)
	i.rec.NoErrors(t)
}

func TestASpanBelowAnotherProcessGoesOnWithItsTrace(t *testing.T) {
	i := instrument(t)
	there := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	_, agent := i.start(trace.ContextWithRemoteSpanContext(t.Context(), there), "agent", operation, "invoke_agent")
	agent.End()
	lines := i.rec.Lines(t)
	if first := lines[0]; first.Action != "add-span" || first.ID != there.TraceID().String() {
		t.Errorf("the first line is %v", first)
	}
	if began, ended := i.rec.Find(t, "trace", "create"), i.rec.Find(t, "trace", "end"); len(began)+len(ended) != 0 {
		t.Errorf("the trace of the other process was begun %d times, and ended %d", len(began), len(ended))
	}
}

// TestACallIsLoggedOnce calls a model through an SDK that makes spans, in whose HTTP client
// package llm logs too.
func TestACallIsLoggedOnce(t *testing.T) {
	for name, within := range map[string]bool{"in a trace of the log": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			i := instrument(t)
			server := modelserver.New()
			defer server.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: llm.Transport(transport, llm.Options{})}
			ctx, turn, want := t.Context(), logger.Trace{}, "trace agent"
			if within {
				ctx, turn = logger.StartTrace(logger.NewContext(ctx, i.log), logger.TraceConfig{Name: "turn"})
				want = "trace turn"
			}
			ctx, agent := i.start(ctx, "agent", operation, "invoke_agent")
			ctx, chat := i.start(ctx, "chat m", operation, "chat", chatModel, "m")
			body := strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"scene hello"}]}`)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/chat/completions", body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			if err != nil {
				t.Error(err)
			}
			resp.Body.Close()
			chat.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", 10))
			chat.End()
			agent.End()
			turn.End()
			tree := i.tree()
			if len(tree) != 3 || tree[0] != want || !strings.HasPrefix(tree[2], "agent > generation") {
				t.Errorf("logged %v", tree)
			}
			result, _ := i.rec.One(t, "generation", "result").Data["result"].(map[string]any)
			if result["choices"] == nil {
				t.Errorf("logged is what the span says: %v", result)
			}
			i.rec.AllEnded(t)
		})
	}
}

func TestConcurrentSpansAreLoggedEachInItsTrace(t *testing.T) {
	i := instrument(t)
	const runs = 100
	var wg sync.WaitGroup
	for n := range runs {
		wg.Go(func() {
			ctx, agent := i.start(t.Context(), fmt.Sprint("agent ", n), operation, "invoke_agent")
			_, chat := i.start(ctx, fmt.Sprint("chat ", n), operation, "chat", chatModel, "m")
			chat.End()
			agent.End()
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, line := range i.tree() {
		seen[line] = true
	}
	for n := range runs {
		for _, want := range []string{"trace agent %d", "agent %[1]d > span agent %[1]d", "agent %[1]d > generation chat %[1]d"} {
			if line := fmt.Sprintf(want, n); !seen[line] {
				t.Errorf("not logged: %s", line)
			}
		}
	}
	if len(seen) != 3*runs {
		t.Errorf("%d entities", len(seen))
	}
	i.rec.AllEnded(t)
	if len(i.p.live)+len(i.p.traces) != 0 {
		t.Errorf("%d spans and %d traces are kept", len(i.p.live), len(i.p.traces))
	}
}

func TestShutdownEndsOpenTraces(t *testing.T) {
	i := instrument(t)
	_, chat := i.start(t.Context(), "chat", operation, "invoke_agent")
	if err := i.p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	chat.End() // too late
	if n := len(i.rec.Find(t, "trace", "end")); n != 1 {
		t.Errorf("the trace ended %d times", n)
	}
}
