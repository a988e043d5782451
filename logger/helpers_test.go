package logger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink stands for the server and keeps the lines in memory: the network is not the
// subject of these tests.
type sink struct {
	mu      sync.Mutex
	lines   []wire.Line       // guarded by mu
	uploads map[string][]byte // guarded by mu; contents by key
	refused []error           // guarded by mu; lines that are none
	null    bool              // counts only
	down    bool              // guarded by mu; takes nothing
	count   int               // guarded by mu
}

// Send implements transport.Backend.
func (s *sink) Send(_ context.Context, b transport.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return &transport.Error{Op: "send", Kind: transport.Retry}
	}
	s.count += b.Lines
	if s.null {
		return nil
	}
	for raw := range bytes.SplitSeq(b.Body, []byte("\n")) {
		line, err := wire.Parse(slices.Clone(raw))
		if err != nil { // what the collector refuses; close reports it
			s.refused = append(s.refused, err)
			continue
		}
		s.lines = append(s.lines, line)
	}
	return nil
}

// Order implements transport.Backend.
func (s *sink) Order() transport.Order { return transport.Unknown }

// Upload implements transport.Backend.
func (s *sink) Upload(_ context.Context, f transport.File) error {
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	all, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploads == nil {
		s.uploads = map[string][]byte{}
	}
	s.uploads[f.Key] = all
	return nil
}

func (s *sink) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// rig is a logger over a sink, and what it told OnError.
type rig struct {
	*Logger
	t    testing.TB
	sink *sink

	mu   sync.Mutex
	errs []error // guarded by mu
}

func newRig(t testing.TB, c Config, fault func(*messages.Command)) *rig {
	t.Helper()
	r := &rig{t: t, sink: &sink{}}
	c.ID = "repo"
	c.ManualFlush = true
	if c.OnError == nil {
		c.OnError = func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.errs = append(r.errs, err)
		}
	}
	if c.SpoolDir == "" {
		c.Durability = MemoryOnly
	}
	var err error
	if r.Logger, err = start(c.withDefaults(func(string) string { return "" }), r.sink, fault); err != nil {
		t.Fatal(err)
	}
	return r
}

// close closes the logger, checks its account and returns what it told OnError.
func (r *rig) close() []error {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		r.t.Errorf("Close = %v", err)
	}
	s := r.Stats()
	if s.Pending != 0 || s.PendingBytes != 0 || s.Accepted+s.Recovered != s.Delivered+s.Dead+s.Dropped {
		r.t.Errorf("the account does not balance: %v, %d bytes", s, s.PendingBytes)
	}
	r.sink.mu.Lock()
	for _, err := range r.sink.refused {
		r.t.Errorf("a collector refuses a line that the logger accepted: %v", err)
	}
	if s.Delivered != int64(r.sink.count) {
		r.t.Errorf("%d entries counted as delivered, %d arrived", s.Delivered, r.sink.count)
	}
	r.sink.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs
}

// flushed flushes and returns the lines so far in the form entity{id,action,data}.
func (r *rig) flushed() []string {
	r.t.Helper()
	if err := r.Flush(context.Background()); err != nil {
		r.t.Fatalf("Flush = %v", err)
	}
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	var out []string
	for _, l := range r.sink.lines {
		out = append(out, l.Entity+" "+l.ID+" "+l.Action+" "+string(l.Data))
	}
	return out
}

// has reports whether a line begins with prefix and contains all parts.
func has(lines []string, prefix string, parts ...string) bool {
	return slices.ContainsFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, prefix) && !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(l, p) })
	})
}

// reasons counts the errors by their reason and checks that each is an *Error that
// keeps the secret to itself.
func reasons(t testing.TB, errs []error) map[error]int {
	t.Helper()
	got := map[error]int{}
	for _, err := range errs {
		var e *Error
		if !errors.As(err, &e) || e.Reason == nil {
			t.Errorf("%v (%T) is not an *Error with a reason", err, err)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error holds a payload: %v", err)
		}
		got[e.Reason]++
	}
	return got
}

// completion is a response of the chat completions API, in the form of a map.
func chatCompletion(text string) map[string]any {
	var m map[string]any
	err := json.Unmarshal([]byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o",
		"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}],
		"usage":{"prompt_tokens":120,"completion_tokens":80,"total_tokens":200}}`), &m)
	if err != nil {
		panic(err)
	}
	m["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"] = text
	return m
}
