package logger

import (
	"context"
	"encoding/json"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var _ expvar.Var = Var{}

// published parses what a Var says.
func published(t *testing.T, v expvar.Var) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(v.String()), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// members returns those members of an object that want has.
func members(of, want map[string]any) map[string]any {
	got := map[string]any{}
	for name := range want {
		got[name] = of[name]
	}
	return got
}

func TestVarTellsOfAnOutageAndItsEnd(t *testing.T) {
	r := newRig(t, Config{}, nil)
	r.sink.setDown(true)
	trace := r.Trace(TraceConfig{ID: "t"})
	trace.AddTag("key", "value")
	r.TraceAddTag("not an id", "key", "value")
	trace.AddAttachment(Attachment{})
	ctx, cancel := context.WithCancel(t.Context())
	flushed := make(chan error, 1)
	go func() { flushed <- r.Flush(ctx) }()
	for r.Health().Delivery == nil {
		time.Sleep(time.Millisecond) // waits for the condition; the test's own timeout ends it
	}
	cancel()
	<-flushed

	want := map[string]any{
		"accepted": 3.0, "delivered": 0.0, "pending": 3.0, "batches": 0.0, "ok": false, "delivery_ok": false,
		"rejected": map[string]any{ErrAttachment.Error(): 1.0}, "derived": 1.0, "dropped": map[string]any{}, "suspicious": map[string]any{},
	}
	down := published(t, r.Var())
	if diff := cmp.Diff(want, members(down, want)); diff != "" {
		t.Error(diff)
	}
	if down["retries"].(float64) < 1 || down["queue_age_seconds"].(float64) < 0 {
		t.Errorf("%v retries, oldest entry %v s", down["retries"], down["queue_age_seconds"])
	}

	r.sink.setDown(false)
	trace.End()
	r.close()
	want = map[string]any{
		"accepted": 4.0, "delivered": 4.0, "pending": 0.0, "batch_entries": 4.0, "queue_age_seconds": 0.0,
		"delivery_ok": true, "closed": true, "ok": false,
	}
	if diff := cmp.Diff(want, members(published(t, r.Var()), want)); diff != "" {
		t.Error(diff)
	}
}

func TestVarHasEveryDestination(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	r := newRig(t, Config{}, nil)
	if err := r.AddDestination(Destination{ID: "second", BaseURL: server.URL, ManualFlush: true, Durability: MemoryOnly}); err != nil {
		t.Fatal(err)
	}
	r.Trace(TraceConfig{ID: "t"}).End()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := published(t, r.Var())["destinations"].([]any)
	want := map[string]any{
		"repository": "second", "accepted": 2.0, "delivered": 2.0, "batches": 1.0, "batch_entries": 2.0, "max_batch_entries": 2.0, "ok": true,
	}
	if len(all) != 2 {
		t.Fatalf("%d destinations, want the primary and the second", len(all))
	}
	for i, repository := range []string{"repo", "second"} {
		want["repository"] = repository
		if diff := cmp.Diff(want, members(all[i].(map[string]any), want)); diff != "" {
			t.Error(diff)
		}
	}
	r.close()
}

func TestVarOfNoLoggerIsZero(t *testing.T) {
	var l *Logger
	want := map[string]any{"accepted": 0.0, "pending": 0.0, "dropped": map[string]any{}, "ok": false}
	if diff := cmp.Diff(want, members(published(t, l.Var()), want)); diff != "" {
		t.Error(diff)
	}
}
