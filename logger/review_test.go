package logger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReviewSecondSinkFailureKillsPrimaryAttachment(t *testing.T) {
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "s"), MaxBytes: 32 << 20}, nil)
	second := &sink{}
	c := Config{ID: "second", Durability: Memory, MaxBytes: 1 << 10, ManualFlush: true}.withDefaults(func(string) string { return "" })
	if err := r.addSink(c, second, func() {}); err != nil {
		t.Fatal(err)
	}
	r.Trace(TraceConfig{ID: "t"}).AddAttachment(DataAttachment(make([]byte, 10_000)))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	t.Log(r.Flush(ctx))
	t.Logf("%+v", r.Stats())
	if r.Stats().Dead != 0 {
		t.Errorf("the primary's attachment is dead: %v", r.Stats())
	}
	r.mu.Lock()
	t.Log(r.errs)
	r.mu.Unlock()
	r.Close(ctx)
}

func TestReviewSinkAddedBetweenCopyAndLine(t *testing.T) {
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "s")}, nil)
	r.Trace(TraceConfig{ID: "t"})
	second := &sink{}
	c := Config{ID: "second", Durability: Memory, ManualFlush: true}.withDefaults(func(string) string { return "" })
	pr := &slowReader{}
	_ = pr
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(time.Millisecond)
		if err := r.addSink(c, second, func() {}); err != nil {
			t.Error(err)
		}
	}()
	tr := r.Trace(TraceConfig{ID: "u"})
	data := make([]byte, 20<<20)
	for i := 0; i < 3; i++ {
		tr.AddAttachment(DataAttachment(data))
	}
	<-done
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	t.Log(r.Flush(ctx))
	if s := r.Stats().Sinks[0]; s.Dead != 0 {
		t.Errorf("sink: %+v", s)
	}
	r.Close(ctx)
}

type slowReader struct{}

func TestReviewMaskTimestamps(t *testing.T) {
	digits := regexp.MustCompile(`[0-9]{4,}`)
	r := newRig(t, Config{Mask: func(s string) string { return digits.ReplaceAllString(s, "#") }}, nil)
	tr := r.Trace(TraceConfig{ID: "t"})
	a := DataAttachment([]byte("x"))
	a.ID = "a"
	tr.AddAttachment(a)
	tr.End()
	for _, l := range r.flushed() {
		t.Log(l)
		if strings.Contains(l, `Timestamp":"#`) {
			t.Error("masked timestamp: " + l)
		}
	}
	r.close()
}

func TestReviewMaskMisses(t *testing.T) {
	secret := `pa"ss`
	r := newRig(t, Config{Mask: func(s string) string { return strings.ReplaceAll(s, secret, "***") }}, nil)
	tr := r.Trace(TraceConfig{ID: "t"})
	tr.AddMetadata(map[string]any{"m": map[string]any{"x": secret}})
	tr.EndWith(EndConfig{Data: map[string]any{"key": secret, "id": secret}})
	for _, l := range r.flushed() {
		if strings.Contains(l, `pa\`) {
			t.Error("unmasked: " + l)
		}
	}
	r.close()
}

func TestReviewMaskMIME(t *testing.T) {
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "s"), Mask: func(s string) string { return strings.ReplaceAll(s, "secret", "***") }}, nil)
	r.sink.setDown(true)
	a := DataAttachment([]byte("plain"))
	a.MIMEType = "text/secret"
	r.Trace(TraceConfig{ID: "t"}).AddAttachment(a)
	r.Sync(t.Context())
	jobs, err := r.primary().spool.Uploads.Read(nil, 1, 10, 1<<20)
	for _, j := range jobs {
		if strings.Contains(string(j.Data), "secret") {
			t.Errorf("in the spool: %q", j.Data)
		}
	}
	_ = err
	r.giveUp()
}

func TestReviewDropOldestHealthyDisk(t *testing.T) {
	r := spoolRig(t, Config{OnFull: DropOldest})
	tr := r.Trace(TraceConfig{})
	big := strings.Repeat("x", 7<<20)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { tr.AddTag("a", big) })
	}
	wg.Wait()
	r.Sync(t.Context())
	if s := r.Stats(); s.Dropped+s.Rejected > 0 {
		t.Errorf("%v %v %v, spool %d of 2 GiB", s, s.DroppedBy, s.RejectedBy, s.SpoolBytes)
	}
	r.giveUp()
}

func TestReviewDropOldestRejects(t *testing.T) {
	t.Run("lines", func(t *testing.T) {
		r := newRig(t, Config{OnFull: DropOldest, MaxBytes: 1 << 20, MaxWait: 20 * time.Millisecond}, nil)
		r.sink.setDown(true)
		tr := r.Trace(TraceConfig{})
		for range 500 {
			tr.AddTag("a", strings.Repeat("x", 10_000))
		}
		s := r.Stats()
		if s.Rejected > 0 {
			t.Errorf("%v rejected %v", s, s.RejectedBy)
		}
		r.giveUp()
		if r.Stats().PendingBytes != 0 {
			t.Errorf("bytes %d", r.Stats().PendingBytes)
		}
	})
	t.Run("attachments", func(t *testing.T) {
		r := newRig(t, Config{OnFull: DropOldest, MaxBytes: 1 << 20, MaxWait: 20 * time.Millisecond}, nil)
		r.sink.setDown(true)
		tr := r.Trace(TraceConfig{})
		for range 50 {
			tr.AddAttachment(DataAttachment(make([]byte, 100_000)))
			tr.AddTag("a", strings.Repeat("x", 10_000))
		}
		s := r.Stats()
		if s.Rejected > 0 {
			t.Errorf("%v rejected %v", s, s.RejectedBy)
		}
		r.giveUp()
		if r.Stats().PendingBytes != 0 {
			t.Errorf("bytes %d", r.Stats().PendingBytes)
		}
	})
	t.Run("one large", func(t *testing.T) {
		r := newRig(t, Config{OnFull: DropOldest, MaxBytes: 1 << 20, MaxWait: 20 * time.Millisecond}, nil)
		r.sink.setDown(true)
		tr := r.Trace(TraceConfig{})
		for range 100 {
			tr.AddTag("a", "b")
		}
		tr.AddTag("a", strings.Repeat("x", 900_000))
		r.Flush(canceled())
		s := r.Stats()
		t.Logf("%v %v %v", s, s.DroppedBy, s.RejectedBy)
		r.giveUp()
	})
}

func canceled() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	_ = cancel
	return ctx
}

type stuckTransport struct{ free chan struct{} }

func (s stuckTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	<-s.free
	return nil, errors.New("x")
}

func TestReviewCloseWithStuckTransport(t *testing.T) {
	free := make(chan struct{})
	l, err := New(Config{ID: "r", BaseURL: "http://127.0.0.1:9", Transport: stuckTransport{free}, Durability: Memory})
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{}).End()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- l.Close(ctx) }()
	select {
	case err := <-done:
		t.Log(err)
		close(free)
	case <-time.After(5 * time.Second):
		t.Error("Close hangs 5 s after a ctx of 100 ms")
		close(free)
		<-done
	}
}

func TestReviewBlockTotal(t *testing.T) {
	r := newRig(t, Config{MaxBytes: 200_000, MaxWait: 200 * time.Millisecond}, nil)
	r.sink.setDown(true)
	tr := r.Trace(TraceConfig{})
	g := tr.AddGeneration(GenerationConfig{})
	for i := 0; r.Stats().Rejected == 0 && i < 1000; i++ {
		tr.AddTag("a", strings.Repeat("x", 1000))
	}
	time.Sleep(10 * time.Millisecond)
	begin := time.Now()
	parts := []any{}
	for i := range 10 {
		parts = append(parts, map[string]any{"type": "image_url", "image_url": map[string]any{"url": fmt.Sprintf("https://e.com/%d.png", i)}})
	}
	g.AddMessage(Message{Role: "user", Content: parts})
	t.Log("stuck:", time.Since(begin), r.Stats().Rejected)
	r.giveUp()
}
