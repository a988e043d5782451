package troupeeino_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/retriever"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/components/tool/utils"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/flow/agent"
	"github.com/cloudwego/eino/flow/agent/react"
	"github.com/cloudwego/eino/schema"
	"github.com/google/go-cmp/cmp"

	troupeeino "github.com/troupelog/troupe/integrations/eino"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

// chain returns a chain that asks a model what a lambda makes of a question.
func chain(t *testing.T, m model.BaseChatModel) compose.Runnable[string, *schema.Message] {
	t.Helper()
	c := compose.NewChain[string, *schema.Message]()
	c.AppendLambda(compose.InvokableLambda(func(_ context.Context, q string) ([]*schema.Message, error) {
		return []*schema.Message{schema.SystemMessage("Be brief."), schema.UserMessage(q)}, nil
	}), compose.WithNodeName("ask"))
	c.AppendChatModel(m, compose.WithNodeName("answer"))
	r, err := c.Compile(t.Context(), compose.WithGraphName("qa"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAChainIsOneTraceWithItsModelAsAGeneration(t *testing.T) {
	h, ctx, rec := recording(t)
	out, err := chain(t, &fakeModel{chunks: said("Sunny", ".")}).Invoke(ctx, "Weather?", compose.WithCallbacks(h))
	if err != nil || out.Content != "Sunny." {
		t.Fatalf("the caller got %v, %v", out, err)
	}
	settle(t, h, rec)
	want := []string{"trace qa", "qa > span ask", "qa > generation answer"}
	if diff := cmp.Diff(want, tree(t, rec)); diff != "" {
		t.Error(diff)
	}
	rec.Logged(t, "trace", "create", map[string]any{"input": "Weather?"})
	rec.Logged(t, "trace", "update", map[string]any{"output": "Sunny."})
	begun := rec.One(t, "trace", "add-generation").Data
	messages := []any{
		map[string]any{"role": "system", "content": "Be brief."},
		map[string]any{"role": "user", "content": "Weather?"},
	}
	if diff := cmp.Diff(messages, begun["messages"]); diff != "" {
		t.Error(diff)
	}
	if begun["model"] != "gpt-4o" || begun["provider"] != "openai" {
		t.Errorf("model %v of %v", begun["model"], begun["provider"])
	}
	parameters, _ := begun["modelParameters"].(map[string]any)
	for key, want := range map[string]string{"temperature": "0.2", "max_tokens": "100", "stop": `["."]`} {
		if parameters[key] != want {
			t.Errorf("%s is %v, want %s", key, parameters[key], want)
		}
	}
	tools := `[{"function":{"description":"tells the weather","name":"weather","parameters":` +
		`{"properties":{"city":{"type":"string"}},"additionalProperties":false,"type":"object","required":["city"]}},"type":"function"}]`
	if parameters["tools"] == nil {
		t.Errorf("tools are %v, want %s", parameters["tools"], tools)
	}
	got := result(t, rec)
	usage := map[string]any{
		"prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15.0,
		"prompt_tokens_details":     map[string]any{"cached_tokens": 4.0},
		"completion_tokens_details": map[string]any{"reasoning_tokens": 2.0},
	}
	if diff := cmp.Diff(usage, got["usage"]); diff != "" {
		t.Error(diff)
	}
	choices := []any{map[string]any{
		"index": 0.0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": "Sunny."},
	}}
	if diff := cmp.Diff(choices, got["choices"]); diff != "" {
		t.Error(diff)
	}
}

func TestARunIsPartOfTheTraceOfItsContext(t *testing.T) {
	h, ctx, rec := recording(t)
	ctx, trace := logger.StartTrace(ctx, logger.TraceConfig{Name: "turn"})
	ctx, span := logger.StartSpan(ctx, logger.SpanConfig{Name: "agent"})
	if _, err := chain(t, &fakeModel{chunks: said("x")}).Invoke(ctx, "q", compose.WithCallbacks(h)); err != nil {
		t.Fatal(err)
	}
	span.End()
	trace.End()
	settle(t, h, rec)
	want := []string{"trace turn", "turn > span agent", "agent > span qa", "qa > span ask", "qa > generation answer"}
	if diff := cmp.Diff(want, tree(t, rec)); diff != "" {
		t.Error(diff)
	}
}

func TestAModelReportedByTheGraphIsLoggedToo(t *testing.T) {
	h, ctx, rec := recording(t)
	if _, err := chain(t, &plainModel{answer: "x"}).Invoke(ctx, "q", compose.WithCallbacks(h)); err != nil {
		t.Fatal(err)
	}
	settle(t, h, rec)
	rec.Logged(t, "trace", "add-generation", map[string]any{"messages": []any{
		map[string]any{"role": "system", "content": "Be brief."}, map[string]any{"role": "user", "content": "q"},
	}})
	if result(t, rec)["usage"] != nil {
		t.Error("a usage was made up")
	}
}

// plainModel knows nothing of callbacks.
type plainModel struct{ answer string }

func (p *plainModel) Generate(context.Context, []*schema.Message, ...model.Option) (*schema.Message, error) {
	return schema.AssistantMessage(p.answer, nil), nil
}

func (p *plainModel) Stream(context.Context, []*schema.Message, ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	return schema.StreamReaderFromArray([]*schema.Message{schema.AssistantMessage(p.answer, nil)}), nil
}

func TestAnAgentWithAToolIsOneTree(t *testing.T) {
	h, ctx, rec := recording(t)
	asks := schema.AssistantMessage("", []schema.ToolCall{{ID: "call_1", Type: "function", Function: schema.FunctionCall{Name: "weather", Arguments: `{"city":"Oslo"}`}}})
	m := &scripted{turns: [][]*schema.Message{{asks}, said("Rain.")}}
	weather := utils.NewTool(weatherInfo, func(ctx context.Context, in map[string]string) (string, error) {
		logger.FromContext(ctx).AddEvent(logger.EventConfig{Name: "looked up " + in["city"]})
		return "rain", nil
	})
	a, err := react.NewAgent(ctx, &react.AgentConfig{
		ToolCallingModel: m, ToolsConfig: compose.ToolsNodeConfig{Tools: []tool.BaseTool{weather}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.Generate(ctx, []*schema.Message{schema.UserMessage("Weather in Oslo?")}, agent.WithComposeOptions(compose.WithCallbacks(h)))
	if err != nil || out.Content != "Rain." {
		t.Fatalf("the caller got %v, %v", out, err)
	}
	settle(t, h, rec)
	begun := rec.Find(t, "span", "add-tool-call")
	if len(begun) != 1 || begun[0].Data["name"] != "weather" || begun[0].Data["args"] != `{"city":"Oslo"}` {
		t.Fatalf("tool calls: %v\n%v", begun, tree(t, rec))
	}
	if diff := cmp.Diff(map[string]any{"tool_call_id": "call_1"}, begun[0].Data["tags"]); diff != "" {
		t.Error(diff)
	}
	rec.Logged(t, "tool_call", "result", map[string]any{"result": "rain"})
	if n := len(rec.Find(t, "", "add-generation")); n != 2 {
		t.Errorf("%d generations, want 2: %v", n, tree(t, rec))
	}
	if n := len(rec.Find(t, "trace", "create")); n != 1 {
		t.Errorf("%d traces: %v", n, tree(t, rec))
	}
	if event := rec.One(t, "", "add-event"); event.Data["name"] != "looked up Oslo" {
		t.Errorf("logged %v", event)
	}
}

// scripted is a model that answers each call with its next turn.
type scripted struct {
	fakeModel
	mu    sync.Mutex
	turns [][]*schema.Message // guarded by mu
}

func (s *scripted) next() *fakeModel {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := s.turns[0]
	s.turns = s.turns[1:]
	return &fakeModel{chunks: turn}
}

func (s *scripted) Generate(ctx context.Context, in []*schema.Message, o ...model.Option) (*schema.Message, error) {
	return s.next().Generate(ctx, in, o...)
}

func (s *scripted) Stream(ctx context.Context, in []*schema.Message, o ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	return s.next().Stream(ctx, in, o...)
}

func (s *scripted) WithTools([]*schema.ToolInfo) (model.ToolCallingChatModel, error) { return s, nil }

// shelf is a retriever.
type shelf struct{ err error }

func (s shelf) Retrieve(context.Context, string, ...retriever.Option) ([]*schema.Document, error) {
	return []*schema.Document{{ID: "1", Content: "a book"}, {ID: "2", Content: "a map"}}, s.err
}

func TestARetrieverIsARetrieval(t *testing.T) {
	for name, fault := range map[string]error{"found": nil, "failed": errors.New("no shelf")} {
		t.Run(name, func(t *testing.T) {
			h, ctx, rec := recording(t)
			c := compose.NewChain[string, []*schema.Document]()
			c.AppendRetriever(shelf{fault}, compose.WithNodeName("look"))
			r, err := c.Compile(ctx, compose.WithGraphName("library"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Invoke(ctx, "books", compose.WithCallbacks(h)); !errors.Is(err, fault) {
				t.Fatalf("the caller got %v", err)
			}
			settle(t, h, rec)
			if diff := cmp.Diff([]string{"trace library", "library > retrieval look"}, tree(t, rec)); diff != "" {
				t.Error(diff)
			}
			rec.Logged(t, "retrieval", "update", map[string]any{"input": "books"})
			if fault != nil {
				rec.Logged(t, "trace", "add-error", map[string]any{"name": "look", "message": "no shelf"})
				return
			}
			rec.Logged(t, "retrieval", "update", map[string]any{"docs": []any{
				map[string]any{"id": "1", "content": "a book", "meta_data": nil},
				map[string]any{"id": "2", "content": "a map", "meta_data": nil},
			}})
		})
	}
}

func TestAFailureIsLoggedWhereItHappened(t *testing.T) {
	for kind, fault := range map[string]error{
		"*errors.errorString": errors.New("429 slow down"), "cancelled": context.Canceled, "timeout": context.DeadlineExceeded,
	} {
		t.Run(kind, func(t *testing.T) {
			h, ctx, rec := recording(t)
			if _, err := chain(t, &fakeModel{err: fault}).Invoke(ctx, "q", compose.WithCallbacks(h)); !errors.Is(err, fault) {
				t.Fatalf("the caller got %v", err)
			}
			settle(t, h, rec)
			failed, _ := result(t, rec)["error"].(map[string]any)
			if failed["message"] != fault.Error() || failed["type"] != kind {
				t.Errorf("logged %v", failed)
			}
			if rec.One(t, "trace", "add-error").Data["name"] != "qa" {
				t.Error("the trace has no error")
			}
		})
	}
}

func TestAnInterruptIsNoFailure(t *testing.T) {
	h, ctx, rec := recording(t)
	g := compose.NewGraph[string, string]()
	err := errors.Join(
		g.AddLambdaNode("approve", compose.InvokableLambda(func(ctx context.Context, _ string) (string, error) {
			return "", compose.Interrupt(ctx, "ask the user")
		}), compose.WithNodeName("approve")),
		g.AddEdge(compose.START, "approve"), g.AddEdge("approve", compose.END))
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Compile(ctx, compose.WithGraphName("flow"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Invoke(ctx, "q", compose.WithCallbacks(h))
	if _, ok := compose.ExtractInterruptInfo(err); !ok {
		t.Fatalf("the caller got %v", err)
	}
	settle(t, h, rec)
	if n := rec.Find(t, "", "add-error"); len(n) != 0 {
		t.Errorf("logged %v", n)
	}
	rec.Logged(t, "span", "update", map[string]any{"metadata": map[string]any{"interrupted": "true"}})
	rec.Logged(t, "trace", "update", map[string]any{"metadata": map[string]any{"interrupted": "true"}})
}

func TestWithoutALoggerNothingIsLogged(t *testing.T) {
	h := troupeeino.New(nil)
	r := chain(t, &fakeModel{chunks: said("x", "y")})
	if _, err := r.Invoke(t.Context(), "q", compose.WithCallbacks(h)); err != nil {
		t.Error(err)
	}
	s, err := r.Stream(t.Context(), "q", compose.WithCallbacks(h))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := read(s); text != "xy" || err != nil {
		t.Errorf("the caller got %q, %v", text, err)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheLoggerOfTheHandlerIsForContextsWithoutOne(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	h := troupeeino.New(log)
	if _, err := chain(t, &fakeModel{chunks: said("x")}).Invoke(t.Context(), "q", compose.WithCallbacks(h)); err != nil {
		t.Fatal(err)
	}
	settle(t, h, rec)
	if n := len(tree(t, rec)); n != 3 {
		t.Errorf("logged %v", tree(t, rec))
	}
}

func TestTwoHandlersLogOnce(t *testing.T) {
	h, ctx, rec := recording(t)
	if _, err := chain(t, &fakeModel{chunks: said("x")}).Invoke(ctx, "q", compose.WithCallbacks(h, h, troupeeino.New(nil))); err != nil {
		t.Fatal(err)
	}
	settle(t, h, rec)
	if got := tree(t, rec); len(got) != 3 {
		t.Errorf("logged %v", got)
	}
}

func TestWhatIsBelowAModelDoesNotLogItAgain(t *testing.T) {
	h, ctx, rec := recording(t)
	var active, has bool
	m := &fakeModel{chunks: said("x"), seen: func(ctx context.Context, _ []*schema.Message) {
		s := logger.FromContext(ctx)
		active, has = s.Active(), s.Logger() != nil
	}}
	if _, err := chain(t, m).Invoke(ctx, "q", compose.WithCallbacks(h)); err != nil {
		t.Fatal(err)
	}
	if active || !has {
		t.Errorf("the model sees a trace: %t, a logger: %t; want only the logger", active, has)
	}
	settle(t, h, rec)
}

func TestAModelOutsideOfAGraphIsATraceWithAGeneration(t *testing.T) {
	h, ctx, rec := recording(t)
	ctx = callbacks.InitCallbacks(ctx, &callbacks.RunInfo{Name: "alone", Type: "OpenAI", Component: "ChatModel"}, h)
	if _, err := (&fakeModel{chunks: said("x")}).Generate(ctx, []*schema.Message{schema.UserMessage("q")}); err != nil {
		t.Fatal(err)
	}
	settle(t, h, rec)
	if diff := cmp.Diff([]string{"trace alone", "alone > generation alone"}, tree(t, rec)); diff != "" {
		t.Error(diff)
	}
}

func TestAnEndWithoutAStartDoesNotEndWhatIsAround(t *testing.T) {
	h, ctx, rec := recording(t)
	c := compose.NewChain[string, string]()
	c.AppendLambda(compose.InvokableLambda(func(ctx context.Context, q string) (string, error) {
		inner := callbacks.ReuseHandlers(ctx, &callbacks.RunInfo{Name: "inner", Component: "Tool"})
		callbacks.OnEnd(inner, "never begun")
		logger.FromContext(ctx).AddEvent(logger.EventConfig{Name: "still open"})
		return q, nil
	}), compose.WithNodeName("node"))
	r, err := c.Compile(ctx, compose.WithGraphName("g"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Invoke(ctx, "q", compose.WithCallbacks(h)); err != nil {
		t.Fatal(err)
	}
	settle(t, h, rec)
	if diff := cmp.Diff([]string{"trace g", "g > span node"}, tree(t, rec)); diff != "" {
		t.Error(diff)
	}
}

// hostile has no JSON: looking for it panics.
type hostile struct{}

func (hostile) MarshalJSON() ([]byte, error) { panic("boom") }

func TestAValueThatPanicsDoesNotReachTheCaller(t *testing.T) {
	h, ctx, rec := recording(t)
	c := compose.NewChain[hostile, string]()
	c.AppendLambda(compose.InvokableLambda(func(context.Context, hostile) (string, error) { return "fine", nil }), compose.WithNodeName("node"))
	r, err := c.Compile(ctx, compose.WithGraphName("g"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := r.Invoke(ctx, hostile{}, compose.WithCallbacks(h)); out != "fine" || err != nil {
		t.Errorf("the caller got %q, %v", out, err)
	}
	settle(t, h, rec)
	if n := len(rec.Find(t, "", "add-error")); n == 0 {
		t.Error("the panic was swallowed")
	}
}

func TestConcurrentRunsAreLoggedEachOnItsOwn(t *testing.T) {
	h, ctx, rec := recording(t)
	const runs = 100
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() {
			text := fmt.Sprint("answer ", i)
			ctx, trace := logger.StartTrace(ctx, logger.TraceConfig{ID: fmt.Sprint("trace-", i)})
			defer trace.End()
			s, err := chain(t, &fakeModel{chunks: said("answer ", fmt.Sprint(i))}).Stream(ctx, "q", compose.WithCallbacks(h))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := read(s); got != text || err != nil {
				t.Errorf("the caller got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	settle(t, h, rec)
	begun := map[string]string{} // generation: span it is in
	for _, l := range rec.Find(t, "span", "add-generation") {
		begun[l.Data["id"].(string)] = l.ID
	}
	spans := map[string]string{} // span: trace
	for _, l := range rec.Find(t, "trace", "add-span") {
		spans[l.Data["id"].(string)] = l.ID
	}
	results := rec.Find(t, "generation", "result")
	if len(begun) != runs || len(results) != runs {
		t.Fatalf("%d generations, %d results", len(begun), len(results))
	}
	for _, l := range results {
		choice := l.Data["result"].(map[string]any)["choices"].([]any)[0].(map[string]any)
		text := choice["message"].(map[string]any)["content"]
		if got := spans[begun[l.ID]]; text != "answer "+got[len("trace-"):] {
			t.Errorf("%v is in %s", text, got)
		}
	}
}
