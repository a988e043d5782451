package troupeeino_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"
	"go.uber.org/goleak"

	troupeeino "github.com/troupelog/troupe/integrations/eino"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeModel answers with its chunks, or the error behind them. It reports its callbacks
// itself, as the models of eino-ext do.
type fakeModel struct {
	chunks []*schema.Message
	err    error
	seen   func(ctx context.Context, in []*schema.Message) // called with what the model sees
}

func (*fakeModel) GetType() string          { return "OpenAI" }
func (*fakeModel) IsCallbacksEnabled() bool { return true }

var config = &model.Config{Model: "gpt-4o", Temperature: 0.2, MaxTokens: 100, Stop: []string{"."}}

func (f *fakeModel) start(ctx context.Context, in []*schema.Message) context.Context {
	ctx = callbacks.EnsureRunInfo(ctx, f.GetType(), "ChatModel")
	ctx = callbacks.OnStart(ctx, &model.CallbackInput{Messages: in, Config: config, Tools: []*schema.ToolInfo{weatherInfo}})
	if f.seen != nil {
		f.seen(ctx, in)
	}
	return ctx
}

func (f *fakeModel) Generate(ctx context.Context, in []*schema.Message, _ ...model.Option) (*schema.Message, error) {
	ctx = f.start(ctx, in)
	if f.err != nil {
		callbacks.OnError(ctx, f.err)
		return nil, f.err
	}
	m, err := schema.ConcatMessages(f.chunks)
	if err != nil {
		return nil, err
	}
	if last := f.chunks[len(f.chunks)-1].ResponseMeta; last != nil {
		m.ResponseMeta = last // eino's sum leaves the tokens of reasoning out
	}
	callbacks.OnEnd(ctx, &model.CallbackOutput{Message: m, Config: config})
	return m, nil
}

func (f *fakeModel) Stream(ctx context.Context, in []*schema.Message, _ ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	ctx = f.start(ctx, in)
	out, w := schema.Pipe[*model.CallbackOutput](1)
	go func() {
		defer w.Close()
		for _, m := range f.chunks {
			if w.Send(&model.CallbackOutput{Message: m, Config: config}, nil) {
				return
			}
		}
		if f.err != nil {
			w.Send(nil, f.err)
		}
	}()
	_, out = callbacks.OnEndWithStreamOutput(ctx, out)
	return schema.StreamReaderWithConvert(out, func(o *model.CallbackOutput) (*schema.Message, error) { return o.Message, nil }), nil
}

func (f *fakeModel) WithTools([]*schema.ToolInfo) (model.ToolCallingChatModel, error) { return f, nil }

var weatherInfo = &schema.ToolInfo{Name: "weather", Desc: "tells the weather", ParamsOneOf: schema.NewParamsOneOfByParams(
	map[string]*schema.ParameterInfo{"city": {Type: schema.String, Required: true}})}

// said returns the chunks of an answer, the last with its usage.
func said(texts ...string) []*schema.Message {
	var chunks []*schema.Message
	for _, text := range texts {
		chunks = append(chunks, schema.AssistantMessage(text, nil))
	}
	chunks[len(chunks)-1].ResponseMeta = &schema.ResponseMeta{FinishReason: "stop", Usage: &schema.TokenUsage{
		PromptTokens: 10, CompletionTokens: 5, TotalTokens: 15,
		PromptTokenDetails:      schema.PromptTokenDetails{CachedTokens: 4},
		CompletionTokensDetails: schema.CompletionTokensDetails{ReasoningTokens: 2},
	}}
	return chunks
}

// recording returns a handler, a context with the logger, and what is logged.
func recording(t *testing.T) (*troupeeino.Handler, context.Context, *loggertest.Recorder) {
	t.Helper()
	log, rec := loggertest.New(t, logger.Config{})
	return troupeeino.New(nil), logger.NewContext(t.Context(), log), rec
}

// settle waits for the handler's streams and checks that all is ended without an error.
func settle(t *testing.T, h *troupeeino.Handler, rec *loggertest.Recorder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		t.Fatalf("streams are not logged: %v", err)
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}

// read returns the text of a stream, and closes it.
func read(s *schema.StreamReader[*schema.Message]) (string, error) {
	defer s.Close()
	var text string
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		text += m.Content
	}
}

// tree returns what was logged as a line for each entity, "parent > kind name", with the
// names of parents.
func tree(t *testing.T, rec *loggertest.Recorder) []string {
	t.Helper()
	names := map[string]string{}
	var lines []string
	for _, l := range rec.Lines(t) {
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
	return lines
}

// result returns the result of the only generation.
func result(t *testing.T, rec *loggertest.Recorder) map[string]any {
	t.Helper()
	r, ok := rec.One(t, "generation", "result").Data["result"].(map[string]any)
	if !ok {
		t.Fatal("the result is not an object")
	}
	return r
}
