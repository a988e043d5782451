package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/pricing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a collector on a loopback port over a folder that outlives it.
type server struct {
	t    *testing.T
	dir  string
	addr string // fixed after the first start

	spools string // the folder of the loggers' spools
	c      *collector.Collector
	stop   func()
}

func newServer(t *testing.T) *server {
	s := &server{t: t, dir: t.TempDir(), spools: filepath.Join(t.TempDir(), "spools"), addr: "127.0.0.1:0"}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *server) start() {
	s.t.Helper()
	c, err := collector.New(collector.Config{Dir: s.dir})
	if err != nil {
		s.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.Serve(ctx, listener) }()
	s.c = c
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("Serve = %v", err)
		}
		if err := c.Close(context.Background()); err != nil {
			s.t.Errorf("Close of the collector = %v", err)
		}
	})
}

func (s *server) get(path string, into any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) logger(c logger.Config) *logger.Logger {
	s.t.Helper()
	c.ID, c.BaseURL = cmp.Or(c.ID, "repo"), "http://"+s.addr
	if c.Durability != logger.MemoryOnly {
		c.SpoolDir = cmp.Or(c.SpoolDir, s.spools)
	}
	if c.OnError == nil {
		c.OnError = func(err error) { s.t.Log(err) }
	}
	l, err := logger.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

func completion(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return json.RawMessage(`{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":` +
		`{"role":"assistant","content":` + string(b) + `},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`)
}

// What one agent run logged is what the collector shows.
func TestAnAgentRunIsShownAsItWasLogged(t *testing.T) {
	s := newServer(t)
	l := s.logger(logger.Config{})
	session := l.Session(logger.SessionConfig{ID: "s", Name: "support"})
	trace := session.AddTrace(logger.TraceConfig{ID: "t", Name: "question", Input: "Where is my bag?"})
	span := trace.AddSpan(logger.SpanConfig{ID: "sp", Name: "agent"})
	inner := span.AddSpan(logger.SpanConfig{ID: "sp2", Name: "plan"})
	gen := inner.AddGeneration(logger.GenerationConfig{ID: "g", Model: "gpt-4o", Provider: "openai",
		Messages: []logger.Message{{Role: "user", Content: "Where is my bag?"}}, ModelParameters: map[string]any{"temperature": 0.5}})
	gen.Result(completion("In Rome."))
	gen.AddCost(pricing.Cost{Input: pricing.Dollars(0.01), Output: pricing.Dollars(0.02)})
	inner.End()
	ret := span.AddRetrieval(logger.RetrievalConfig{ID: "r", Name: "docs"})
	ret.SetInput("bags")
	ret.SetOutput([]string{"Bags are in Rome."})
	tool := span.AddToolCall(logger.ToolCallConfig{ID: "c", Name: "find", Args: `{"q":"bag"}`})
	tool.Fail(logger.Failure{Message: "no such bag", Code: "404"})
	span.AddError(logger.ErrorConfig{ID: "e", Message: "lookup failed", Type: "NotFound"})
	span.End()
	trace.AddTag("env", "test")
	trace.AddMetadata(map[string]any{"n": 1})
	trace.AddFeedback(logger.Feedback{Score: 4, Comment: "good"})
	trace.SetOutput("In Rome.")
	trace.End()
	session.End()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	var stats collector.Stats
	s.get("/api/v1/repositories/repo/stats", &stats)
	want := map[string]int{"session": 1, "trace": 1, "span": 2, "generation": 1, "retrieval": 1, "tool_call": 1, "error": 1}
	if diff := gocmp.Diff(want, stats.Entities); diff != "" || stats.Open != 0 || int64(stats.Lines) != l.Stats().Delivered {
		t.Errorf("stats %+v, %d delivered (-want +got):\n%s", stats, l.Stats().Delivered, diff)
	}
	var got collector.Trace
	s.get("/api/v1/repositories/repo/traces/t", &got)
	var shape []string
	var walk func(n *collector.Node, depth int)
	walk = func(n *collector.Node, depth int) {
		shape = append(shape, fmt.Sprintf("%s%s %s", strings.Repeat("  ", depth), n.Kind, n.ID))
		for _, child := range n.Children {
			walk(child, depth+1)
		}
	}
	walk(&got.Node, 0)
	wantShape := []string{"trace t", "  span sp", "    span sp2", "      generation g", "    retrieval r", "    tool_call c", "    error e"}
	if diff := gocmp.Diff(wantShape, shape); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	whole, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Where is my bag?", "In Rome.", "Bags are in Rome.", "no such bag", "lookup failed", `"env":"test"`, `"temperature"`} {
		if !strings.Contains(string(whole), part) {
			t.Errorf("the trace does not show %s", part)
		}
	}
	if got.Totals.Usage.Total != 12 {
		t.Errorf("the trace counts %d tokens, want 12", got.Totals.Usage.Total)
	}
}

// A server that goes away and comes back on its files loses nothing and stores
// nothing twice.
func TestARestartedServerHasEverythingOnce(t *testing.T) {
	s := newServer(t)
	l := s.logger(logger.Config{FlushInterval: 10 * time.Millisecond, MaxWait: time.Minute})
	const sessions, traces = 10, 40
	var calling sync.WaitGroup
	half := make(chan struct{})
	var once sync.Once
	for i := range sessions {
		calling.Go(func() {
			session := l.Session(logger.SessionConfig{ID: fmt.Sprint("s", i)})
			for j := range traces {
				trace := session.AddTrace(logger.TraceConfig{})
				trace.AddGeneration(logger.GenerationConfig{}).Result(completion("hi"))
				trace.End()
				if j == traces/2 {
					once.Do(func() { close(half) })
				}
			}
			session.End()
		})
	}
	<-half
	s.stop()
	calling.Wait()
	s.start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
	var stats collector.Stats
	s.get("/api/v1/repositories/repo/stats", &stats)
	account := l.Stats()
	if int64(stats.Lines) != account.Accepted || account.Delivered != account.Accepted || account.Dropped != 0 {
		t.Errorf("%d lines stored, %v", stats.Lines, account)
	}
	want := map[string]int{"session": sessions, "trace": sessions * traces, "span": 0, "generation": sessions * traces, "retrieval": 0, "tool_call": 0, "error": 0}
	if diff := gocmp.Diff(want, stats.Entities); diff != "" || stats.Open != 0 {
		t.Errorf("%d open, entities (-want +got):\n%s", stats.Open, diff)
	}
}
