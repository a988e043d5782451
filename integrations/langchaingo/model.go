package troupelangchain

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tmc/langchaingo/llms"

	"github.com/troupelog/troupe/logger"
)

// Options say what a model does not say itself.
type Options struct {
	Model    string // the model that answers calls without llms.WithModel
	Provider string // who answers. Default: the name of the package of the model, as "openai"
}

// Model returns a model that logs its calls. It may be used concurrently if m may. Errors
// and panics of m reach the caller as they are.
func Model(m llms.Model, o Options) llms.Model {
	if o.Provider == "" {
		o.Provider = providerOf(m)
	}
	return &model{Model: m, options: o}
}

type model struct {
	llms.Model
	options Options
}

// SupportsReasoning implements llms.ReasoningModel.
func (m *model) SupportsReasoning() bool {
	r, ok := m.Model.(llms.ReasoningModel)
	return ok && r.SupportsReasoning()
}

// Call implements llms.Model, as the models of langchaingo do it.
func (m *model) Call(ctx context.Context, prompt string, options ...llms.CallOption) (string, error) {
	return llms.GenerateFromSinglePrompt(ctx, m, prompt, options...)
}

// GenerateContent implements llms.Model.
func (m *model) GenerateContent(ctx context.Context, messages []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	scope := logger.FromContext(ctx)
	if !scope.Active() {
		return m.Model.GenerateContent(ctx, messages, options...)
	}
	var c llms.CallOptions
	for _, option := range options {
		option(&c)
	}
	g := &generation{start: time.Now(), outer: ctx}
	contain(scope, func() { g.gen = scope.AddGeneration(m.config(scope, messages, &c)) })
	if c.StreamingFunc != nil {
		options = append(options[:len(options):len(options)], llms.WithStreamingFunc(g.streaming(c.StreamingFunc)))
	}
	if c.StreamingReasoningFunc != nil {
		options = append(options[:len(options):len(options)], llms.WithStreamingReasoningFunc(g.reasoning(c.StreamingReasoningFunc)))
	}
	returned := false
	defer func() {
		if !returned {
			g.gen.Fail(logger.Failure{Message: "the model panicked", Type: "panic"})
		}
	}()
	resp, err := m.Model.GenerateContent(logger.NewContext(ctx, scope.Logger()), messages, options...)
	returned = true
	contain(scope, func() { g.end(resp, err) })
	return resp, err
}

func (m *model) config(scope logger.Scope, messages []llms.MessageContent, c *llms.CallOptions) logger.GenerationConfig {
	config := logger.GenerationConfig{
		Name: scope.GenerationName(), Model: c.Model, Provider: m.options.Provider, ModelParameters: parametersOf(c),
	}
	if config.Model == "" {
		config.Model = m.options.Model
	}
	for _, message := range messages {
		config.Messages = append(config.Messages, messagesOf(message)...)
	}
	return config
}

// generation is one call of a model.
type generation struct {
	gen   logger.Generation
	start time.Time
	outer context.Context // of the caller, for the functions that it gave

	mu    sync.Mutex
	began bool            // guarded by mu; a chunk has come
	soFar strings.Builder // guarded by mu; of a stream, at most maxSoFar bytes
}

// maxSoFar is how much of a stream that fails is logged, in bytes.
const maxSoFar = 64 << 10

// chunk notes a chunk of text of a stream.
func (g *generation) chunk(text []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.began && len(text) > 0 {
		g.began = true
		g.gen.AddMetric("time_to_first_token_ms", float64(time.Since(g.start).Microseconds())/1000)
	}
	g.soFar.Write(text[:min(len(text), maxSoFar-g.soFar.Len())])
}

// restored returns the context of a call that a model made with its own, with what the
// caller's says of the log.
func (g *generation) restored(ctx context.Context) context.Context {
	scope := logger.FromContext(g.outer)
	if span := scope.Span(); span.ID() != "" {
		return logger.NewContext(ctx, span)
	}
	return logger.NewContext(ctx, scope.Trace())
}

func (g *generation) streaming(next func(context.Context, []byte) error) func(context.Context, []byte) error {
	return func(ctx context.Context, chunk []byte) error {
		g.chunk(chunk)
		return next(g.restored(ctx), chunk)
	}
}

func (g *generation) reasoning(next func(context.Context, []byte, []byte) error) func(context.Context, []byte, []byte) error {
	return func(ctx context.Context, thought, chunk []byte) error {
		g.chunk(chunk)
		return next(g.restored(ctx), thought, chunk)
	}
}

// end logs how the call came out.
func (g *generation) end(resp *llms.ContentResponse, err error) {
	if ended := g.outer.Err(); ended != nil && (err != nil || unfinished(resp)) {
		err = ended // langchaingo has errors of its own for that, and none for some streams
	}
	if err != nil {
		g.mu.Lock()
		soFar := g.soFar.String()
		g.mu.Unlock()
		if soFar != "" {
			g.gen.AddMetadata(map[string]any{"answer_so_far": soFar})
		}
		g.gen.Fail(detailOf(err))
		return
	}
	g.gen.Result(resultOf(g.gen.ID(), g.start, resp))
}

// unfinished reports whether an answer does not say why it ended.
func unfinished(resp *llms.ContentResponse) bool {
	if resp == nil {
		return true
	}
	for _, c := range resp.Choices {
		if c != nil && c.StopReason != "" {
			return false
		}
	}
	return true
}
