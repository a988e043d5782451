package troupeotel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// backend keeps what it is sent, and fails the given number of times.
type backend struct {
	mu    sync.Mutex
	fails int                     // guarded by mu
	spans []sdktrace.ReadOnlySpan // guarded by mu
	shut  int                     // guarded by mu
}

func (b *backend) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails > 0 {
		b.fails--
		return errors.New("the backend is down")
	}
	b.spans = append(b.spans, spans...)
	return nil
}

func (b *backend) Shutdown(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut++
	return nil
}

func (b *backend) named(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.spans, func(s sdktrace.ReadOnlySpan) bool { return s.Name() == name })
	if i < 0 {
		t.Fatalf("no span %s", name)
	}
	return b.spans[i]
}

func attributes(s sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, kv := range s.Attributes() {
		all[string(kv.Key)] = kv.Value.String()
	}
	return all
}

// exporting returns a logger with a backend.
func exporting(t *testing.T, b sdktrace.SpanExporter) (*logger.Logger, *Exporter) {
	t.Helper()
	log, _ := loggertest.New(t, logger.Config{})
	e := NewExporter(b, nil)
	c := e.Destination("otel")
	c.SpoolDir = t.TempDir()
	if err := log.AddDestination(c); err != nil {
		t.Fatal(err)
	}
	return log, e
}

// turn logs a turn with a model call, a tool that fails, and an attachment.
func turn(log *logger.Logger, session, id string) {
	s := log.Session(logger.SessionConfig{ID: session})
	tr := s.AddTrace(logger.TraceConfig{ID: id, Name: "turn " + id, Input: "Rain?"})
	g := tr.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai", Messages: []logger.Message{{Role: "user", Content: "Rain?"}}})
	g.Result(json.RawMessage(`{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}`))
	sp := tr.AddSpan(logger.SpanConfig{Name: "step"})
	sp.AddToolCall(logger.ToolCallConfig{Name: "umbrella", Args: "{}"}).Fail(logger.Failure{Message: "stuck"})
	sp.End()
	tr.AddAttachment(logger.DataAttachment([]byte("text")))
	tr.SetOutput("Yes.")
	tr.End()
}

func TestATraceBecomesSpans(t *testing.T) {
	b := &backend{}
	log, e := exporting(t, b)
	turn(log, "talk", "t1")
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.spans) != 4 || e.Late() != 0 {
		t.Fatalf("%d spans, %d entries were late", len(b.spans), e.Late())
	}
	root, chat, step, tool := b.named(t, "turn t1"), b.named(t, "chat gpt-4o"), b.named(t, "step"), b.named(t, "execute_tool umbrella")
	for _, pair := range [][2]sdktrace.ReadOnlySpan{{chat, root}, {step, root}, {tool, step}} {
		child, parent := pair[0], pair[1]
		if child.Parent().SpanID() != parent.SpanContext().SpanID() || child.SpanContext().TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is not in %s", child.Name(), parent.Name())
		}
	}
	if root.Parent().IsValid() || !root.SpanContext().IsSampled() || root.EndTime().Before(root.StartTime()) {
		t.Errorf("the root is %v", root)
	}
	if tool.Status().Code != codes.Error || tool.Status().Description != "stuck" {
		t.Errorf("the status of the tool is %v", tool.Status())
	}
	got := attributes(chat)
	want := map[string]string{
		"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.conversation.id": "talk",
		"gen_ai.usage.input_tokens": "10", "gen_ai.usage.output_tokens": "2",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	other := &backend{}
	again, _ := exporting(t, other)
	turn(again, "talk", "t1")
	if err := again.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if other.named(t, "turn t1").SpanContext().TraceID() != root.SpanContext().TraceID() {
		t.Error("the same trace has another id when it is exported again")
	}
}

func TestABackendThatIsDownLosesNothingAndGetsNothingTwice(t *testing.T) {
	b := &backend{fails: 3}
	log, _ := exporting(t, b)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { turn(log, fmt.Sprint("s", i), fmt.Sprint("t", i)) })
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for log.Flush(ctx) != nil && ctx.Err() == nil { // it says that deliveries fail
		continue
	}
	counts := map[string]int{}
	for _, s := range b.spans {
		counts[s.SpanContext().SpanID().String()]++
	}
	if len(counts) != 80 {
		t.Errorf("%d different spans, want 80", len(counts))
	}
	for id, n := range counts {
		if n != 1 {
			t.Errorf("span %s was sent %d times", id, n)
		}
	}
	for _, s := range b.spans {
		if s.Name() == "chat gpt-4o" && strings.Count(attributes(s)["gen_ai.input.messages"], "Rain?") != 1 {
			t.Errorf("messages were counted twice: %s", attributes(s)["gen_ai.input.messages"])
		}
	}
}

func TestLateEntriesAreCounted(t *testing.T) {
	log, e := exporting(t, &backend{})
	tr := log.Trace(logger.TraceConfig{ID: "t"})
	tr.End()
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr.AddTag("late", "1")
	if err := log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.Late() != 1 {
		t.Errorf("%d entries were late, want 1", e.Late())
	}
}

func TestShutdownSendsOpenTraces(t *testing.T) {
	b := &backend{}
	log, e := exporting(t, b)
	log.Trace(logger.TraceConfig{ID: "t", Name: "open"}).HandOver() // so that Close does not end it
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.spans) != 0 {
		t.Fatal("an open trace was sent")
	}
	for range 2 {
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := attributes(b.named(t, "open")); got["troupe.open"] != "true" || b.shut != 1 {
		t.Errorf("sent %v, shut down %d times", got, b.shut)
	}
}

func TestTheOldestTraceMakesRoom(t *testing.T) {
	b := &backend{}
	log, e := exporting(t, b)
	e.open.max = 3000
	for i := range 5 {
		log.Trace(logger.TraceConfig{ID: fmt.Sprint(i), Name: fmt.Sprint("open ", i), Input: strings.Repeat("x", 1000)})
		if err := log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, s := range b.spans {
		names = append(names, s.Name())
	}
	if diff := cmp.Diff([]string{"open 0", "open 1", "open 2"}, names); diff != "" {
		t.Error(diff)
	}
	if e.open.bytes > 3000 || len(e.open.of) != e.open.order.Len() {
		t.Errorf("%d bytes of %d traces are held", e.open.bytes, e.open.order.Len())
	}
}

// TestSpansReachARealBackend sends over OTLP/HTTP to a collector, which shows the trace.
func TestSpansReachARealBackend(t *testing.T) {
	store, err := collector.Start(collector.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(context.Background())
	spans, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(store.URL()+"/v1/traces"),
		otlptracehttp.WithHeaders(map[string]string{"x-maxim-repo-id": "there"}))
	if err != nil {
		t.Fatal(err)
	}
	log, e := exporting(t, spans)
	turn(log, "talk", "t1")
	if err := errors.Join(log.Close(t.Context()), e.Shutdown(t.Context()), store.WaitIndexed(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, repo := range []string{"there", "troupe", "unknown_service:otel.test", "unknown_service:troupeotel.test", "otlp"} {
		resp, err := http.Get(store.URL() + "/api/v1/repositories/" + repo + "/traces")
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), "turn t1") {
			return
		}
	}
	t.Error("the collector does not have the trace")
}
