package troupeotel

import (
	"context"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// TestSpansOfAnSDK logs the spans that the SDK of Anthropic makes itself.
func TestSpansOfAnSDK(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(NewProcessor(log)))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	defer otel.SetTracerProvider(before)
	server := modelserver.New()
	defer server.Close()
	client := anthropic.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("k"), option.WithMaxRetries(0),
		option.WithOpenTelemetryTraces(true), option.WithOpenTelemetryTracesContentMode(option.OpenTelemetryContentModeContent))
	for _, scene := range []string{modelserver.Hello, modelserver.Fault} {
		_, err := client.Messages.New(t.Context(), anthropic.MessageNewParams{
			Model: "claude-opus-4-5", MaxTokens: 10, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(scene))},
		})
		if (err != nil) != (scene == modelserver.Fault) {
			t.Fatal(err)
		}
	}
	if err := provider.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	begun, results := rec.Find(t, "trace", "add-generation"), rec.Find(t, "generation", "result")
	if len(begun) != 2 || len(results) != 2 {
		t.Fatalf("%d generations with %d results", len(begun), len(results))
	}
	if begun[0].Data["model"] != "claude-opus-4-5" || begun[0].Data["provider"] != "anthropic" {
		t.Errorf("logged %v", begun[0])
	}
	var failures int
	for _, l := range results { // of two traces, so in any order
		result, _ := l.Data["result"].(map[string]any)
		if result["error"] != nil {
			failures++
			continue
		}
		usage, _ := result["usage"].(map[string]any)
		if usage["prompt_tokens"] != float64(modelserver.Input) || usage["completion_tokens"] != float64(modelserver.Output) {
			t.Errorf("the usage is %v", usage)
		}
	}
	if failures != 1 {
		t.Errorf("%d failures were logged, want 1", failures)
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}
