package replay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

// server is a collector with a logger that writes to it.
type server struct {
	url string
	log *logger.Logger
}

func startServer(t *testing.T) *server {
	t.Helper()
	c, err := collector.New(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(c)
	log, err := logger.New(logger.Config{
		Durability: logger.MemoryOnly,
		ID:         "r", BaseURL: ts.URL, MaxWait: time.Minute,
		OnError: func(err error) { t.Errorf("the logger reports: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(context.Background()); err != nil {
			t.Error(err)
		}
		ts.Close()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &server{ts.URL, log}
}

// get reads an answer of the collector's JSON API.
func get[T any](t *testing.T, s *server, path string) T {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/repositories/r/"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer T
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return answer
}

// event is what a test compares of a node: its kind, what went in, what came out.
type event struct {
	Kind, Name, Status, In, Out string
	Below                       []event
}

func eventOf(n *collector.Node) event {
	e := event{Kind: n.Kind, Name: n.Name, Status: n.Status, In: string(n.Input), Out: string(n.Output)}
	switch n.Kind {
	case "generation":
		e.Name = n.Model + "/" + n.Provider
		for _, m := range n.Messages {
			var message struct{ Role string }
			_ = json.Unmarshal(m, &message) // "" then
			e.In += message.Role + " "
		}
		var result struct {
			Choices []struct {
				FinishReason string `json:"finish_reason"`
				Message      struct{ Content string }
			}
		}
		if json.Unmarshal(n.Result, &result) == nil && len(result.Choices) == 1 {
			e.Out = result.Choices[0].FinishReason + ": " + result.Choices[0].Message.Content
		}
	case "tool_call":
		e.In, e.Out = string(n.Args)+string(n.Tags["tool_call_id"]), string(n.Result)+string(n.Error)
	}
	for _, child := range n.Children {
		e.Below = append(e.Below, eventOf(child))
	}
	return e
}

// traces returns all traces by the name of their session, oldest first.
func traces(t *testing.T, s *server) map[string][]event {
	t.Helper()
	all := map[string][]event{}
	for _, summary := range get[collector.Page[collector.SessionSummary]](t, s, "sessions").Data {
		if summary.Status != "ended" {
			t.Errorf("session %s is %s", summary.Name, summary.Status)
		}
		session := get[collector.Session](t, s, "sessions/"+summary.ID)
		for i := len(session.Traces) - 1; i >= 0; i-- {
			trace := get[collector.Trace](t, s, "traces/"+session.Traces[i].ID)
			all[summary.Name] = append(all[summary.Name], eventOf(&trace.Node))
		}
	}
	return all
}

func TestRunLogsConversationsAsAgentsWould(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	file, err := os.Open("testdata/conversations.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var skipped []string
	counts, err := Run(t.Context(), file, Config{
		Log: s.log, Workers: 2, Skipped: func(e *ConversationError) { skipped = append(skipped, e.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := (Summary{Sessions: 2, Traces: 4, Generations: 4, ToolCalls: 2, Skipped: 1}); counts != want {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
	want := []string{"conversation 2 is skipped: it has no list of messages, under messages or traj"}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	wantTraces := map[string][]event{
		"conversation 1": {
			{Kind: "trace", Name: "turn", Status: "ended", In: `"Two seats for tonight, please."`, Out: `"Row 7 is free."`, Below: []event{
				{Kind: "generation", Name: "small-1/acme", Status: "ended", In: "system user ", Out: "tool_calls: "},
				{Kind: "tool_call", Name: "find_seats", Status: "ended", In: `"{\"seats\":2}""call_1"`, Out: `"row 7"`},
				{Kind: "tool_call", Name: "price", Status: "error", In: `"{}""call_2"`,
					Out: `{"message":"the recording holds no result of this call"}`},
				{Kind: "generation", Name: "small-1/acme", Status: "ended", In: "system user assistant tool ", Out: "stop: Row 7 is free."},
			}},
			{Kind: "trace", Name: "turn", Status: "ended", In: `"Thanks\na lot"`},
		},
		"conversation 3": {
			{Kind: "trace", Name: "turn", Status: "ended", Out: `"Good evening."`, Below: []event{
				{Kind: "generation", Name: "small-2/unknown", Status: "ended", Out: "length: Good evening."},
			}},
			{Kind: "trace", Name: "turn", Status: "ended", In: `"Hello."`, Out: `"What may I do for you?"`, Below: []event{
				{Kind: "generation", Name: "unknown/unknown", Status: "ended", In: "assistant user ", Out: "stop: What may I do for you?"},
			}},
		},
	}
	if diff := cmp.Diff(wantTraces, traces(t, s), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
	stats := get[collector.Stats](t, s, "stats")
	if stats.Open != 0 {
		t.Errorf("%d entities are open", stats.Open)
	}
}

func TestRunLogsTheUsageThatIsRecorded(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	const stream = `{"messages":[{"role":"user","content":"a"},
		{"role":"assistant","content":"b","usage":{"prompt_tokens":40,"completion_tokens":5,"total_tokens":45}}]}`
	run(t.Context(), t, s.log, strings.ReplaceAll(stream, "\n", ""), Config{Model: "given", Provider: "Given"})
	if err := s.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := get[collector.Page[collector.TraceSummary]](t, s, "traces")
	trace := get[collector.Trace](t, s, "traces/"+page.Data[0].ID)
	if want := (collector.Usage{Input: 40, Output: 5, Total: 45}); trace.Totals.Usage != want {
		t.Errorf("usage %+v, want %+v", trace.Totals.Usage, want)
	}
	if g := trace.Children[0]; g.Model != "given" || g.Provider != "given" {
		t.Errorf("model %q of %q, want those given", g.Model, g.Provider)
	}
}

// run replays a stream in which nothing is to be skipped.
func run(ctx context.Context, t *testing.T, log *logger.Logger, stream string, c Config) (Summary, error) {
	t.Helper()
	c.Log = log
	c.Skipped = func(e *ConversationError) { t.Error(e) }
	return Run(ctx, strings.NewReader(stream), c)
}

func TestRunReportsAListThatIsCutOffAndLogsTheRest(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	counts, err := run(t.Context(), t, s.log, `[{"messages":[{"role":"user","content":"a"}]},{"mess`, Config{})
	if !errors.Is(err, ErrTruncated) || counts.Traces != 1 {
		t.Errorf("%+v, %v; want 1 trace and %v", counts, err, ErrTruncated)
	}
}

func TestRunEndsBetweenTwoMessagesWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conversation := strings.NewReader(`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}` + "\n")
	interrupt := readerFunc(func([]byte) (int, error) {
		waitFor(t, func() bool { return s.log.Stats().Accepted == 2 }) // the session and its first trace
		cancel()
		return 0, io.EOF
	})
	// An hour to the second message: only the context can end this.
	counts, err := Run(ctx, io.MultiReader(conversation, interrupt), Config{Log: s.log, Speed: 1.0 / 3600, Skipped: func(e *ConversationError) { t.Error(e) }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if want := (Summary{Sessions: 1, Traces: 1, Unfinished: 1}); counts != want {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
	if err := s.log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := get[collector.Stats](t, s, "stats"); stats.Open != 0 || stats.Entities["trace"] != 1 {
		t.Errorf("stats %+v, want 1 trace and nothing open after Close", stats)
	}
}

func TestRunReadsAnObjectOverManyLines(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	const pretty = "{\n  \"messages\": [\n    {\"role\": \"user\", \"content\": \"hi\"},\n" +
		"    {\"role\": \"assistant\", \"content\": \"hello\"}\n  ]\n}\n"
	counts, err := run(t.Context(), t, s.log, pretty+pretty, Config{})
	if want := (Summary{Sessions: 2, Traces: 2, Generations: 2}); err != nil || counts != want {
		t.Errorf("%+v, %v; want %+v", counts, err, want)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// waitFor returns when a condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Error("what the test waits for did not happen in 30 s")
			return
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	messages := []message{{at: at(100)}, {at: at(130)}, {}, {at: at(200)}, {at: at(150)}}
	for speed, want := range map[float64][]time.Duration{
		0:   {0, 0, 0, 0, 0},
		1:   {0, 30 * time.Second, time.Second, time.Second, 0},
		10:  {0, 3 * time.Second, 100 * time.Millisecond, 100 * time.Millisecond, 0},
		0.5: {0, time.Minute, 2 * time.Second, 2 * time.Second, 0},
	} {
		p := player{Config: Config{Speed: speed}}
		for i := range messages {
			if got := p.pause(messages, i); got != want[i] {
				t.Errorf("at speed %v before message %d: %v, want %v", speed, i, got, want[i])
			}
		}
	}
}

func TestSleepLastsAsLongAsItShould(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if err := sleep(t.Context(), time.Minute); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("slept %v, %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := sleep(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 61*time.Second {
			t.Errorf("slept %v, %v; want to be woken by the context", time.Since(begun), err)
		}
		if err := sleep(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no pause after the end of the context: error %v", err)
		}
	})
}
