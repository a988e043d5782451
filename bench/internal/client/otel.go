package client

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// Attributes of the OpenTelemetry semantic conventions for generative AI, and of none
// for the output of a turn.
const (
	keyOperation    = attribute.Key("gen_ai.operation.name")
	keyProvider     = attribute.Key("gen_ai.provider.name")
	keyModel        = attribute.Key("gen_ai.request.model")
	keyTemperature  = attribute.Key("gen_ai.request.temperature")
	keySystem       = attribute.Key("gen_ai.system_instructions")
	keyInput        = attribute.Key("gen_ai.input.messages")
	keyResponse     = attribute.Key("gen_ai.response.id")
	keyFinish       = attribute.Key("gen_ai.response.finish_reasons")
	keyAnswer       = attribute.Key("gen_ai.output.messages")
	keyInputTokens  = attribute.Key("gen_ai.usage.input_tokens")
	keyOutputTokens = attribute.Key("gen_ai.usage.output_tokens")
	keyTool         = attribute.Key("gen_ai.tool.name")
	keyToolArgs     = attribute.Key("gen_ai.tool.call.arguments")
	keyToolResult   = attribute.Key("gen_ai.tool.call.result")
	keyTurnOutput   = attribute.Key("output.value")
)

// otel is OpenTelemetry's Go SDK with its batch span processor and OTLP over HTTP: a
// span each for the turn, the generation and the tool call.
type otel struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	text     workload.Turn
}

// newOTelBlocking makes calls wait while the queue is full.
func newOTelBlocking(ctx context.Context, spec Spec) (peer, error) {
	return startOTel(ctx, spec, sdktrace.WithBlocking())
}

// newOTelDefault drops spans while the queue is full.
func newOTelDefault(ctx context.Context, spec Spec) (peer, error) { return startOTel(ctx, spec) }

func startOTel(ctx context.Context, spec Spec, options ...sdktrace.BatchSpanProcessorOption) (peer, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(spec.SinkURL+"/v1/traces"))
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, options...))
	return &otel{provider: provider, tracer: provider.Tracer("bench"), text: spec.Turn}, nil
}

func (o *otel) turn(m *measure.Meter, _ int) {
	m.Begin()
	ctx, turn := o.tracer.Start(context.Background(), o.text.Name)
	m.End()

	m.Begin()
	_, generation := o.tracer.Start(ctx, "chat gpt-4o", trace.WithAttributes(
		keyOperation.String("chat"), keyProvider.String(o.text.Provider), keyModel.String(o.text.Model),
		keyTemperature.Float64(o.text.Temperature), keySystem.String(o.text.System), keyInput.String(o.text.User),
	))
	m.End()

	m.Begin()
	generation.SetAttributes(
		keyResponse.String(o.text.ResponseID), keyFinish.StringSlice([]string{"stop"}), keyAnswer.String(o.text.Answer),
		keyInputTokens.Int(o.text.PromptTok), keyOutputTokens.Int(o.text.AnswerTok),
	)
	m.End()

	m.Begin()
	generation.End()
	m.End()

	m.Begin()
	_, tool := o.tracer.Start(ctx, "execute_tool", trace.WithAttributes(
		keyOperation.String("execute_tool"), keyTool.String(o.text.Tool), keyToolArgs.String(o.text.ToolArgs),
	))
	m.End()

	m.Begin()
	tool.SetAttributes(keyToolResult.String(o.text.ToolResult))
	m.End()

	m.Begin()
	tool.End()
	m.End()

	m.Begin()
	turn.SetAttributes(keyTurnOutput.String(o.text.Answer))
	m.End()

	m.Begin()
	turn.End()
	m.End()
}

func (o *otel) deliver(ctx context.Context) error {
	if err := o.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut OpenTelemetry down: %w", err)
	}
	return nil
}

// refused is empty: the SDK does not report dropped spans.
func (o *otel) refused() map[string]int64 { return nil }

// close does nothing: deliver has shut everything down.
func (o *otel) close(context.Context) error { return nil }
