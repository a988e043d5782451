package logger

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReviewCloseBackgroundServerDown(t *testing.T) {
	l, err := New(Config{ID: "r", BaseURL: "http://127.0.0.1:9", SpoolDir: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{}).End()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Close(ctx) }()
	select {
	case err := <-done:
		t.Log(err)
	case <-time.After(20 * time.Second):
		t.Error("Close without a deadline does not return in 20 s while the server is down")
		cancel()
		<-done
	}
	cancel()
}

func TestReviewKeyToSink(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		keys[r.Header.Get("x-maxim-api-key")] = true
		mu.Unlock()
		w.Write([]byte(`{"success":true}`))
	}))
	defer s.Close()
	t.Setenv(EnvAPIKey, "MAXIMSECRET")
	r := newRig(t, Config{}, nil)
	if err := r.AddSink(Config{ID: "mine", BaseURL: s.URL, Durability: Memory}); err != nil {
		t.Fatal(err)
	}
	r.Trace(TraceConfig{}).End()
	r.Flush(t.Context())
	if keys["MAXIMSECRET"] {
		t.Error("the key of the environment went to the sink's own server")
	}
	r.close()
	s.CloseClientConnections()
}

func TestReviewRaiseLeaksBlob(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	r := newRig(t, Config{SpoolDir: dir, RaiseExceptions: true}, nil)
	tr := r.Trace(TraceConfig{})
	func() {
		defer func() { t.Log(recover() != nil) }()
		a := DataAttachment(make([]byte, 1000))
		a.Name = strings.Repeat("x", 3<<20)
		tr.AddAttachment(a)
	}()
	m, _ := filepath.Glob(dir + "/v1/*/*/blobs/*")
	if len(m) > 0 {
		t.Error("left behind", m)
	}
	_ = os.Getenv
	r.close()
}

func TestReviewGrowingFileTwoSinks(t *testing.T) {
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "s")}, nil)
	c := Config{ID: "second", Durability: Memory, ManualFlush: true}.withDefaults(func(string) string { return "" })
	if err := r.addSink(c, &sink{}, func() {}); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "log")
	f, _ := os.Create(p)
	f.Write(make([]byte, 5<<20))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				f.Close()
				return
			default:
				f.Write([]byte("line\n"))
			}
		}
	})
	tr := r.Trace(TraceConfig{})
	for range 3 {
		tr.AddAttachment(FileAttachment(p))
	}
	close(stop)
	wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r.Flush(ctx)
	if s := r.Stats(); s.Dead > 0 {
		t.Errorf("%v, sink %+v", s, s.Sinks)
	}
	r.Close(ctx)
}
