package logger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/pricing"
)

func TestSettingsDefaultGivenEnvironmentInvalid(t *testing.T) {
	env := func(key string) string {
		return map[string]string{EnvAPIKey: "env-key", EnvRepoID: "env-repo", EnvBaseURL: "http://127.0.0.1:1"}[key]
	}
	none := func(string) string { return "" }
	zero := Config{}.withDefaults(none)
	if zero.BaseURL != DefaultBaseURL || zero.FlushInterval != 10*time.Second || zero.MaxBytes != 32<<20 || zero.MaxWait != time.Second ||
		zero.IdleAfter != 5*time.Minute || zero.AutoEndAfter != time.Hour || zero.Slog == nil || zero.ID != "" || zero.APIKey != "" {
		t.Errorf("defaults: %+v", zero)
	}
	fromEnv := Config{}.withDefaults(env)
	if fromEnv.ID != "env-repo" || fromEnv.APIKey != "env-key" || fromEnv.BaseURL != "http://127.0.0.1:1" {
		t.Errorf("from the environment: %+v", fromEnv)
	}
	given := Config{ID: "r", APIKey: "k", BaseURL: "u", FlushInterval: 1, MaxBytes: 2, MaxWait: -1, IdleAfter: 3, AutoEndAfter: 4}.withDefaults(env)
	if given.ID != "r" || given.APIKey != "k" || given.BaseURL != "u" || given.FlushInterval != 1 || given.MaxBytes != 2 ||
		given.MaxWait != -1 || given.IdleAfter != 3 || given.AutoEndAfter != 4 {
		t.Errorf("given values do not win: %+v", given)
	}
}

func TestCallsByIDTakeThePathOfTheHandles(t *testing.T) {
	r := newRig(t, Config{}, nil)
	session := r.Session(SessionConfig{ID: "s"})
	trace := session.AddTrace(TraceConfig{ID: "t"})
	span := trace.AddSpan(SpanConfig{ID: "sp"})
	var want []string
	for i := range 300 {
		n := fmt.Sprint(i)
		switch i % 6 {
		case 0:
			trace.AddTag("n", n)
		case 1:
			r.TraceAddTag("t", "n", n)
		case 2:
			span.AddTag("n", n)
		case 3:
			r.SpanAddTag("sp", "n", n)
		case 4:
			session.AddTag("n", n)
		case 5:
			r.SessionAddTag("s", "n", n)
		}
		want = append(want, fmt.Sprintf(`{"tags":{"n":"%s"}}`, n))
	}
	var got []string
	for _, line := range r.flushed() {
		if f := strings.SplitN(line, " ", 4); f[2] == "update" {
			got = append(got, f[3])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%.1000s", diff)
	}
	if errs := r.close(); len(errs) != 0 {
		t.Errorf("errors: %v", errs)
	}
}

func TestLaterChangesByTheCallerChangeNothing(t *testing.T) {
	r := newRig(t, Config{}, nil)
	tags := map[string]string{"k": "before"}
	content := map[string]any{"text": "before"}
	trace := r.Trace(TraceConfig{ID: "t", Tags: tags})
	trace.SetInput(content)
	tags["k"], content["text"] = "after", "after"
	for _, line := range r.flushed() {
		if strings.Contains(line, "after") {
			t.Errorf("the change got into %s", line)
		}
	}
	r.close()
}

func TestImagesBecomeAttachmentsInACopy(t *testing.T) {
	r := newRig(t, Config{}, nil)
	const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
	parts := []any{
		map[string]any{"type": "text", "text": "look"},
		map[string]any{"type": "image_url", "image_url": map[string]any{"url": "data:image/png;base64," + pixel}},
	}
	gen := r.Trace(TraceConfig{ID: "t"}).AddGeneration(GenerationConfig{ID: "g", Messages: []Message{{Role: "user", Content: parts}}})
	gen.AddMessage(MessageOf(map[string]any{"role": "user", "content": []any{
		map[string]any{"type": "image_url", "image_url": "https://example.com/a.png"}}}))
	lines := r.flushed()
	if !has(lines, "trace t add-generation", `"messages":[{"role":"user","content":[{"text":"look","type":"text"}]}]`) {
		t.Errorf("the image was not taken out of the generation's messages:\n%s", strings.Join(lines, "\n"))
	}
	if !has(lines, "generation g add-attachment", `"type":"file_data"`, `"mimeType":"image/png"`, `"attach-to":"input"`, `"key":"repo/generation/g/files/original/`) {
		t.Errorf("the image was not attached:\n%s", strings.Join(lines, "\n"))
	}
	if !has(lines, "generation g add-attachment", `"type":"url"`, `"url":"https://example.com/a.png"`) {
		t.Errorf("the linked image was not attached:\n%s", strings.Join(lines, "\n"))
	}
	if len(parts) != 2 || len(parts[1].(map[string]any)) != 2 {
		t.Errorf("the caller's message was changed: %v", parts)
	}
	r.close()
}

func TestCloseEndsOrphansUnlessKept(t *testing.T) {
	for _, keep := range []bool{false, true} {
		r := newRig(t, Config{DisableAutoEnd: keep}, nil)
		trace := r.Trace(TraceConfig{ID: "t"})
		trace.AddGeneration(GenerationConfig{ID: "g"})
		trace.AddError(ErrorConfig{ID: "e"})
		r.Trace(TraceConfig{ID: "other"}).HandOver()
		r.close()
		ended := map[string]bool{}
		for _, l := range r.sink.lines {
			if l.Action == "end" && strings.Contains(string(l.Data), `"ended_by":"close"`) {
				ended[l.ID] = true
			}
		}
		want := map[string]bool{"g": true, "t": true}
		if keep {
			want = map[string]bool{}
		}
		if diff := cmp.Diff(want, ended); diff != "" {
			t.Errorf("DisableAutoEnd=%v: ended (-want +got):\n%s", keep, diff)
		}
	}
}

func TestEndOnPanicEndsWhatIsOpenAndPanicsOn(t *testing.T) {
	r := newRig(t, Config{}, nil)
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want boom", got)
			}
		}()
		trace := r.Trace(TraceConfig{ID: "t"})
		defer trace.EndOnPanic()
		trace.AddSpan(SpanConfig{ID: "sp"})
		panic("boom")
	}()
	func() {
		defer r.Trace(TraceConfig{ID: "quiet"}).EndOnPanic()
	}()
	lines := r.flushed()
	span := slices.IndexFunc(lines, func(l string) bool { return has([]string{l}, "span sp end", `"ended_by":"panic"`) })
	end := slices.IndexFunc(lines, func(l string) bool { return has([]string{l}, "trace t end", `"ended_by":"panic"`) })
	if span < 0 || end < span {
		t.Errorf("span ended at %d, trace at %d:\n%s", span, end, strings.Join(lines, "\n"))
	}
	if has(lines, "trace quiet end") {
		t.Error("a trace was ended without a panic")
	}
	r.close()
}

func TestSnapshotShowsTheLiveTrace(t *testing.T) {
	r := newRig(t, Config{}, nil)
	session := r.Session(SessionConfig{ID: "s"})
	trace := session.AddTrace(TraceConfig{ID: "t"})
	gen := trace.AddGeneration(GenerationConfig{ID: "g"})
	gen.Result(chatCompletion("hi"))
	gen.AddCost(pricing.Cost{Input: pricing.Dollars(0.25), Output: pricing.Dollars(0.5)})
	trace.AddToolCall(ToolCallConfig{ID: "c"})
	trace.AddError(ErrorConfig{Message: "x"})
	want := Snapshot{
		Entity: "trace", ID: "t", Entries: 7, Begun: Counts{Generations: 1, ToolCalls: 1, Errors: 1},
		Open: []EntityRef{{"tool_call", "c"}}, Failures: 1,
		Usage: pricing.Usage{Input: 120, Output: 80, Total: 200}, Cost: pricing.Dollars(0.75),
	}
	got, err := trace.Snapshot(t.Context())
	if err != nil || got.First.IsZero() || got.Last.Before(got.First) {
		t.Errorf("snapshot %+v, %v", got, err)
	}
	got.First, got.Last = time.Time{}, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	byID, err := r.SessionByID("s").Snapshot(t.Context())
	if err != nil || byID.Entries != 8 || byID.Usage.Total != 200 || byID.Begun.Traces != 1 || len(byID.Open) != 1 {
		t.Errorf("session snapshot %+v, %v", byID, err)
	}
	if _, err := r.TraceByID("unknown").Snapshot(t.Context()); !errors.Is(err, ErrUnknownEntity) {
		t.Errorf("snapshot of an unknown trace: %v", err)
	}
	r.close()
}

func TestBackpressureRejectsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{MaxBytes: 10_000}, nil)
		r.sink.setDown(true)
		trace := r.Trace(TraceConfig{ID: "t"})
		start := time.Now()
		for range 100 {
			trace.AddTag("k", strings.Repeat("x", 100))
		}
		if waited := time.Since(start); waited != ledger.Standstill {
			t.Errorf("100 calls waited %v together, want %v: each its own wait until nothing has moved for so long", waited, ledger.Standstill)
		}
		stats := r.Stats()
		if stats.RejectedBy[ErrBackpressure.Error()] == 0 || stats.Accepted+stats.Rejected != 101 {
			t.Errorf("accepted %d, rejected %v", stats.Accepted, stats.RejectedBy)
		}
		r.sink.setDown(false)
		r.flushed()
		trace.AddTag("k", "there is room again")
		if got := r.Stats().Accepted; got != stats.Accepted+1 {
			t.Errorf("%d accepted after a flush, want %d", got, stats.Accepted+1)
		}
		r.close()
	})
}

func TestDebugLogsLinesWithoutTheKey(t *testing.T) {
	var out lockedBuilder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := newRig(t, Config{Debug: true, APIKey: "SECRET-KEY", Slog: log}, nil)
	r.Trace(TraceConfig{ID: "t"}).AddTag("leak", "the key is SECRET-KEY")
	r.close()
	if got := out.String(); !strings.Contains(got, "trace{id=t,action=create") || strings.Contains(got, "SECRET") || !strings.Contains(got, "[redacted]") {
		t.Errorf("debug log:\n%s", got)
	}
}

type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder // guarded by mu
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Over real HTTP: a server that is down, comes back, and is told apart in Health.
func TestDeliveryOverHTTPSurvivesAFailingServer(t *testing.T) {
	var broken atomic.Bool
	var lines atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			if broken.Load() {
				http.Error(w, "down", http.StatusServiceUnavailable)
				return
			}
			body := new(strings.Builder)
			if _, err := io.Copy(body, req.Body); err != nil {
				t.Error(err)
			}
			lines.Add(int64(strings.Count(body.String(), "\n")) + 1)
		}
		fmt.Fprint(w, `{"data":{}}`)
	}))
	defer server.Close()
	failed := make(chan struct{})
	var once sync.Once
	l, err := New(Config{ID: "repo", Durability: MemoryOnly, BaseURL: server.URL, ManualFlush: true, OnError: func(err error) {
		if errors.Is(err, ErrDelivery) {
			once.Do(func() { close(failed) })
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	trace := l.Trace(TraceConfig{})
	trace.End()
	ctx, cancel := context.WithCancel(t.Context())
	flushed := make(chan error, 1)
	go func() { flushed <- l.Flush(ctx) }()
	<-failed
	if h := l.Health(); h.OK || h.Delivery == nil || h.Pending != 2 {
		t.Errorf("health while the server is down: %+v", h)
	}
	cancel()
	var e *Error
	if err := <-flushed; !errors.As(err, &e) || !errors.Is(err, ErrNotDelivered) || e.Entries != 2 || !e.Kept {
		t.Errorf("Flush while the server is down = %v", err)
	}
	broken.Store(false)
	if err := l.Flush(t.Context()); err != nil {
		t.Errorf("Flush after the server came back = %v", err)
	}
	if h := l.Health(); !h.OK || h.Pending != 0 {
		t.Errorf("health after the server came back: %+v", h)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if lines.Load() != 2 || l.Stats().Delivered != 2 {
		t.Errorf("%d lines arrived, %v", lines.Load(), l.Stats())
	}
}

func TestAnUnknownRepositoryIsToldAndEntriesAreSentAllTheSame(t *testing.T) {
	var lines atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			http.Error(w, `{"error":{"message":"no such repository"}}`, http.StatusNotFound)
			return
		}
		lines.Add(1)
		fmt.Fprint(w, `{"data":{}}`)
	}))
	defer server.Close()
	told := make(chan error, 10)
	l, err := New(Config{ID: "repo", Durability: MemoryOnly, BaseURL: server.URL, OnError: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, ErrRepository) {
		t.Errorf("told %v, want ErrRepository", err)
	}
	if h := l.Health(); h.OK || !errors.Is(h.Repository, ErrRepository) {
		t.Errorf("health %+v", h)
	}
	l.Trace(TraceConfig{}).End()
	if err := l.Close(t.Context()); err != nil || lines.Load() != 1 {
		t.Errorf("Close = %v, %d posts", err, lines.Load())
	}
}

// sdkResponse is like the response types of openai-go: it knows its JSON.
type sdkResponse struct {
	ID    string
	Extra *struct{}
	raw   string
}

func (r *sdkResponse) RawJSON() string { return r.raw }

func TestAnSDKResponseIsSentAsItWasReceived(t *testing.T) {
	r := newRig(t, Config{}, nil)
	gen := r.Trace(TraceConfig{ID: "t"}).AddGeneration(GenerationConfig{ID: "g"})
	gen.Result(&sdkResponse{raw: `{"id": "x", "object": "chat.completion",
		"choices": []}`})
	if lines := r.flushed(); !has(lines, "generation g result", `{"result":{"id":"x","object":"chat.completion","choices":[]}}`) {
		t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
	}
	var none *sdkResponse
	r.Trace(TraceConfig{ID: "t2"}).AddGeneration(GenerationConfig{ID: "g2"}).Result(none)
	if lines := r.flushed(); !has(lines, "generation g2 result", `{"result":null}`) || !has(lines, "generation g2 end") {
		t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
	}
	r.close()
}
