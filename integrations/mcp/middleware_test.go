package troupemcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	troupemcp "github.com/troupelog/troupe/integrations/mcp"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// weather is the argument of the tool of the tests.
type weather struct {
	City string `json:"city"`
}

// newServer returns a server with tools that answer, fail, look at their context, and wait.
func newServer(log *logger.Logger) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "weather-server", Version: "1"}, nil)
	text := func(s string) *mcp.CallToolResult {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
	}
	mcp.AddTool(s, &mcp.Tool{Name: "weather"}, func(ctx context.Context, _ *mcp.CallToolRequest, in weather) (*mcp.CallToolResult, any, error) {
		logger.FromContext(ctx).AddEvent(logger.EventConfig{Name: "looked up " + in.City})
		return text("sunny in " + in.City), nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "broken"}, func(context.Context, *mcp.CallToolRequest, weather) (*mcp.CallToolResult, any, error) {
		return nil, nil, errors.New("the barometer is broken")
	})
	mcp.AddTool(s, &mcp.Tool{Name: "picture"}, func(context.Context, *mcp.CallToolRequest, weather) (*mcp.CallToolResult, any, error) {
		r := text("a map")
		r.Content = append(r.Content, &mcp.ImageContent{Data: []byte("png"), MIMEType: "image/png"})
		r.Meta = mcp.Meta{"cost": 1}
		return r, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "never"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ weather) (*mcp.CallToolResult, any, error) {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	})
	if log != nil {
		s.AddReceivingMiddleware(troupemcp.Server(log))
	}
	return s
}

// connect returns a client of the server, over an in-memory transport.
func connect(t *testing.T, s *mcp.Server, more ...mcp.Middleware) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	client.AddSendingMiddleware(append([]mcp.Middleware{troupemcp.Client()}, more...)...)
	here, there := mcp.NewInMemoryTransports()
	serving, err := s.Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		// What ends the server's side is the client's: its error says so.
		_ = serving.Wait()
	})
	return session
}

func call(name string) *mcp.CallToolParams {
	return &mcp.CallToolParams{Name: name, Arguments: weather{City: "Oslo"}}
}

func TestAToolCallIsLoggedInTheTraceOfItsContext(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(nil))
	ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{Name: "turn"})
	res, err := session.CallTool(ctx, call("weather"))
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Content[0].(*mcp.TextContent).Text; got != "sunny in Oslo" {
		t.Errorf("the caller got %q", got)
	}
	trace.End()
	begun := rec.One(t, "trace", "add-tool-call")
	if begun.ID != trace.ID() || begun.Data["name"] != "weather" {
		t.Errorf("logged %v", begun)
	}
	if diff := cmp.Diff(map[string]any{"mcp.server": "weather-server"}, begun.Data["tags"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`{"city":"Oslo"}`, compact(t, begun.Data["args"])); diff != "" {
		t.Error(diff)
	}
	rec.Logged(t, "tool_call", "result", map[string]any{"result": "sunny in Oslo"})
	if n := len(rec.Find(t, "", "")); n != 5 {
		t.Errorf("%d lines, want create, add, result and two ends: %v", n, rec.Lines(t))
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}

// compact returns the JSON of a value that is JSON text or a value itself.
func compact(t *testing.T, v any) string {
	t.Helper()
	if text, ok := v.(string); ok {
		return text
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFailuresOfToolsAreLogged(t *testing.T) {
	cases := map[string]struct {
		tool string
		want map[string]any
		isOK func(*mcp.CallToolResult, error) bool
	}{
		"the tool failed": {
			"broken", map[string]any{"message": "the barometer is broken", "type": "tool"},
			func(r *mcp.CallToolResult, err error) bool { return err == nil && r.IsError },
		},
		"there is no such tool": {
			"absent", map[string]any{"code": "-32602", "type": "protocol"},
			func(_ *mcp.CallToolResult, err error) bool {
				var wire *jsonrpc.Error
				return errors.As(err, &wire) && wire.Code == jsonrpc.CodeInvalidParams
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			log, rec := loggertest.New(t, logger.Config{})
			session := connect(t, newServer(nil))
			ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{})
			if res, err := session.CallTool(ctx, call(c.tool)); !c.isOK(res, err) {
				t.Errorf("the caller got %v, %v", res, err)
			}
			trace.End()
			failed, _ := rec.One(t, "tool_call", "error").Data["error"].(map[string]any)
			for key, want := range c.want {
				if failed[key] != want {
					t.Errorf("%s is %v, want %v", key, failed[key], want)
				}
			}
			rec.AllEnded(t)
			rec.NoErrors(t)
		})
	}
}

func TestACancelledCallIsLoggedAsCancelled(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	begun := make(chan struct{})
	session := connect(t, newServer(nil), func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "tools/call" {
				close(begun)
			}
			return next(ctx, method, req)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ctx, trace := logger.StartTrace(logger.NewContext(ctx, log), logger.TraceConfig{})
	go func() {
		<-begun
		cancel()
	}()
	if _, err := session.CallTool(ctx, call("never")); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	trace.End()
	failed, _ := rec.One(t, "tool_call", "error").Data["error"].(map[string]any)
	if failed["type"] != "cancelled" {
		t.Errorf("logged %v", failed)
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}

func TestAPanicGoesOnAndIsLogged(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{})
	for side, c := range map[string]struct {
		wrap mcp.Middleware
		req  mcp.Request
	}{
		"client": {troupemcp.Client(), &mcp.ClientRequest[*mcp.CallToolParams]{Params: call("weather")}},
		"server": {troupemcp.Server(log), &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "weather"}}},
	} {
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					t.Errorf("%s: recovered %v", side, v)
				}
			}()
			_, _ = c.wrap(func(context.Context, string, mcp.Request) (mcp.Result, error) { panic("boom") })(ctx, "tools/call", c.req)
		}()
	}
	trace.End()
	rec.One(t, "tool_call", "error")
	rec.Logged(t, "trace", "add-error", map[string]any{"errorType": "panic", "name": "weather"})
	rec.AllEnded(t)
	rec.NoErrors(t)
}

func TestWithoutATraceInItsContextNothingIsLogged(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(nil))
	for _, ctx := range []context.Context{t.Context(), logger.NewContext(t.Context(), log)} {
		if _, err := session.CallTool(ctx, call("weather")); err != nil {
			t.Error(err)
		}
	}
	if lines := rec.Lines(t); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
}

func TestOtherMethodsPass(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(log))
	ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{})
	if err := session.Ping(ctx, nil); err != nil {
		t.Error(err)
	}
	tools, err := session.ListTools(ctx, nil)
	if err != nil || len(tools.Tools) != 4 {
		t.Errorf("the caller got %v, %v", tools, err)
	}
	trace.End()
	if n := len(rec.Lines(t)); n != 2 {
		t.Errorf("%d lines, want the trace's two: %v", n, rec.Lines(t))
	}
}

func TestAServerGoesOnWithTheTraceOfTheClient(t *testing.T) {
	clientLog, client := loggertest.New(t, logger.Config{})
	serverLog, server := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(serverLog))
	ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), clientLog), logger.TraceConfig{})
	ctx, span := logger.StartSpan(ctx, logger.SpanConfig{Name: "agent"})
	params := call("weather")
	params.Meta = mcp.Meta{"progressToken": "p", "baggage": "tenant=7"}
	if _, err := session.CallTool(ctx, params); err != nil {
		t.Fatal(err)
	}
	if params.Meta["baggage"] != "tenant=7" || params.Meta["traceparent"] != nil {
		t.Errorf("the caller's parameters were changed: %v", params.Meta)
	}
	span.End()
	trace.End()
	client.One(t, "span", "add-tool-call")
	begun := server.One(t, "span", "add-span")
	if begun.ID != span.ID() || begun.Data["spanId"] != span.ID() || begun.Data["name"] != "tools/call weather" {
		t.Errorf("the server logged %v, want a span in %s", begun, span.ID())
	}
	event := server.One(t, "span", "add-event")
	if event.ID != begun.Data["id"] || event.Data["name"] != "looked up Oslo" {
		t.Errorf("the tool logged %v", event)
	}
	if got := server.Find(t, "trace", "create"); len(got) != 0 {
		t.Errorf("the server began %v", got)
	}
	for _, rec := range []*loggertest.Recorder{client, server} {
		rec.AllEnded(t)
		rec.NoErrors(t)
	}
}

func TestAServerBeginsATraceWhereTheRequestNamesNone(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(log))
	for _, tool := range []string{"weather", "broken", "picture"} {
		if _, err := session.CallTool(t.Context(), call(tool)); err != nil {
			t.Fatal(err)
		}
	}
	// Three traces have no order among each other: they are told apart by their names.
	created := map[any]loggertest.Line{}
	for _, l := range rec.Find(t, "trace", "create") {
		created[l.Data["name"]] = l
	}
	weather, picture := created["tools/call weather"], created["tools/call picture"]
	if len(created) != 3 || weather.ID == "" || picture.ID == "" {
		t.Fatalf("logged %v, want a trace of each call", created)
	}
	if compact(t, weather.Data["input"]) != `{"city":"Oslo"}` {
		t.Errorf("logged %v", weather)
	}
	rec.Logged(t, "trace", "update", map[string]any{"output": "sunny in Oslo"})
	rec.Logged(t, "trace", "add-error", map[string]any{"message": "the barometer is broken", "errorType": "tool"})
	for _, l := range rec.Find(t, "trace", "update") {
		if l.ID == picture.ID {
			if text := compact(t, l.Data["output"]); !strings.Contains(text, "image/png") || strings.Contains(text, "_meta") {
				t.Errorf("the output is %s", text)
			}
		}
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}

func TestAServerReadsTheHeadersOfTheRequest(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return newServer(log) },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	srv := httptest.NewServer(handler)
	defer srv.Close()
	http1 := &http.Client{Transport: headers{http.Header{"X-Maxim-Trace-Id": {"outer"}}, srv.Client().Transport}}
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: srv.URL, HTTPClient: http1, DisableStandaloneSSE: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.CallTool(t.Context(), call("weather")); err != nil {
		t.Fatal(err)
	}
	if begun := rec.One(t, "trace", "add-span"); begun.ID != "outer" {
		t.Errorf("logged %v", begun)
	}
	rec.AllEnded(t)
}

// headers adds headers to each request.
type headers struct {
	add  http.Header
	next http.RoundTripper
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range h.add {
		r.Header[name] = values
	}
	return h.next.RoundTrip(r)
}

func TestConcurrentCallsAreLoggedEachOnItsOwn(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{})
	session := connect(t, newServer(log))
	const calls = 100
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			ctx, trace := logger.StartTrace(logger.NewContext(t.Context(), log), logger.TraceConfig{ID: fmt.Sprint("trace-", i)})
			defer trace.End()
			params := &mcp.CallToolParams{Name: "weather", Arguments: weather{City: fmt.Sprint("city-", i)}}
			if _, err := session.CallTool(ctx, params); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	begun := rec.Find(t, "trace", "add-tool-call")
	if len(begun) != calls || len(rec.Find(t, "trace", "add-span")) != calls {
		t.Errorf("%d tool calls and %d spans, want %d of each", len(begun), len(rec.Find(t, "trace", "add-span")), calls)
	}
	results := map[string]any{}
	for _, l := range rec.Find(t, "tool_call", "result") {
		results[l.ID] = l.Data["result"]
	}
	for _, l := range begun {
		number := strings.TrimPrefix(l.ID, "trace-")
		if got, want := results[l.Data["id"].(string)], "sunny in city-"+number; got != want {
			t.Errorf("the call of %s has the result %v", l.ID, got)
		}
	}
	rec.AllEnded(t)
	rec.NoErrors(t)
}
