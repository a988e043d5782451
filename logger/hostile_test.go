package logger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What a user supplies may be broken: the program it runs in is not to suffer.

func TestAnOnErrorThatLogsDoesNotRecurseAfterClose(t *testing.T) {
	var l *Logger
	calls := 0
	r := newRig(t, Config{OnError: func(error) { calls++; l.TraceAddError("app", ErrorConfig{Message: "x"}) }}, nil)
	l = r.Logger
	r.close()
	l.Trace(TraceConfig{})
	if calls != 1 {
		t.Errorf("OnError was called %d times for one call after Close", calls)
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	return f(r)
}

func TestABrokenTransportDoesNotHurtTheHost(t *testing.T) {
	for name, broken := range map[string]transportFunc{
		"panics":      func(*http.Request) (*http.Response, error) { panic("in the user's transport") },
		"no body":     func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 500}, nil },
		"no response": func(*http.Request) (*http.Response, error) { return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan struct{})
			var once sync.Once
			l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: "http://127.0.0.1", Transport: broken, ManualFlush: true, OnError: func(err error) {
				if errors.Is(err, ErrDelivery) {
					once.Do(func() { close(failed) })
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			l.Trace(TraceConfig{}).End()
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-failed; cancel() }()
			if err := l.Close(ctx); !errors.Is(err, ErrNotDelivered) {
				t.Errorf("Close = %v, want ErrNotDelivered", err)
			}
			if s := l.Stats(); s.Dropped != 2 || s.Pending != 0 {
				t.Errorf("%v, want both entries dropped at the deadline", s)
			}
		})
	}
}

type panickingHandler struct{ slog.Handler }

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("in the user's handler") }

func TestAPanickingLogHandlerIsContained(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && requests.Add(1) <= 3 {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, `{"data":{}}`)
	}))
	defer server.Close()
	l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: server.URL, Debug: true, Slog: slog.New(panickingHandler{})})
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{}).End()
	if err := l.Close(t.Context()); err != nil || l.Stats().Delivered != 2 {
		t.Errorf("Close = %v, %v", err, l.Stats())
	}
	if l.Stats().Panics == 0 {
		t.Error("no panic was counted")
	}
}

func TestCloseKeepsItsDeadlineWhateverOnErrorDoes(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, Config{OnError: func(error) { <-release }}, nil)
	r.Session(SessionConfig{ID: "not valid"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Errorf("Close = %v: all was delivered", err)
	}
	close(release)
	<-r.report.done
}

// However long a server asks to be left alone, and however often somebody flushes, it is:
// Close alone tries once more.
func TestFlushKeepsTheTimeThatAServerAsksFor(t *testing.T) {
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
			w.Header().Set("Retry-After", "1000000000")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `{"data":{}}`)
	}))
	defer server.Close()
	failed := make(chan struct{}, 10)
	l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: server.URL, FlushInterval: time.Millisecond, OnError: func(err error) {
		if errors.Is(err, ErrDelivery) {
			failed <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{}).End()
	<-failed
	for range 17 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := l.Flush(ctx); !errors.Is(err, ErrNotDelivered) {
			t.Errorf("Flush = %v", err)
		}
		cancel()
	}
	if n := posts.Load(); n != 1 {
		t.Errorf("%d posts with 17 flushes, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- l.Close(ctx) }()
	<-failed
	cancel()
	if err := <-closed; !errors.Is(err, ErrNotDelivered) {
		t.Errorf("Close = %v", err)
	}
	if n := posts.Load(); n != 2 {
		t.Errorf("%d posts after Close, want 2", n)
	}
}

// A RoundTripper that panics or ends its goroutine, as t.FailNow does, costs an attempt.
// The sender goes on, and everything is delivered.
func TestARoundTripperThatEndsItsGoroutineDoesNotEndTheSender(t *testing.T) {
	for name, does := range map[string]func(){"panic": func() { panic("a bug") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			var posts atomic.Int64
			breaks := transportFunc(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && posts.Add(1) <= 4 {
					does()
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
			})
			l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: "http://127.0.0.1", Transport: breaks, InFlight: 2})
			if err != nil {
				t.Fatal(err)
			}
			l.Trace(TraceConfig{}).End()
			if err := l.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			if s := l.Stats(); s.Delivered != 2 || s.Panics == 0 {
				t.Errorf("%d delivered, %d panics counted", s.Delivered, s.Panics)
			}
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every line that a server names as refused reaches OnError, with what it is about and why;
// the first hundred are no exception.
func TestEveryRefusedLineIsReported(t *testing.T) {
	refuses := transportFunc(func(r *http.Request) (*http.Response, error) {
		answer := `{"data":{}}`
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			lines := strings.Count(string(body), "\n") + 1
			var list []string
			for i := range lines {
				list = append(list, fmt.Sprintf(`{"line":%d,"reason":"nested too deep"}`, i))
			}
			answer = fmt.Sprintf(`{"data":{"accepted":0,"refused":%d,"rejected":[%s]}}`, lines, strings.Join(list, ","))
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
	})
	var mu sync.Mutex
	about := map[string]int{}
	l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: "http://127.0.0.1", Transport: refuses, ManualFlush: true, OnError: func(err error) {
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("OnError got %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		about[e.Entity+" "+e.ID+" "+e.Action]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	trace := l.Trace(TraceConfig{ID: "t"})
	const updates = 3000
	for i := range updates {
		trace.AddTag("n", fmt.Sprint(i))
	}
	trace.End()
	if err := l.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := l.Stats(); s.Dead != updates+2 || s.Delivered != 0 || s.Unreported != 0 {
		t.Errorf("%d dead, %d delivered, %d unreported; want %d dead", s.Dead, s.Delivered, s.Unreported, updates+2)
	}
	if n := about["trace t update"]; n != updates || about["trace t create"] != 1 || about["trace t end"] != 1 {
		t.Errorf("reported is %v", about)
	}
}

// An OnError that ends its goroutine gets the next error on another, and is counted.
func TestAnOnErrorThatEndsItsGoroutineIsReplacedAndCounted(t *testing.T) {
	seen := make(chan error, 2)
	l, err := New(Config{ID: "r", Durability: MemoryOnly, BaseURL: "http://127.0.0.1", ManualFlush: true, OnError: func(err error) {
		seen <- err
		runtime.Goexit()
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l.report.tell(&Error{Reason: ErrStalled})
	}
	for range 2 {
		if err := <-seen; !errors.Is(err, ErrStalled) {
			t.Errorf("got %v", err)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := l.Stats(); s.Panics != 2 {
		t.Errorf("%d panics counted, want 2", s.Panics)
	}
}

// A small MaxBytes makes batches smaller; it does not refuse what an idle server
// would take.
func TestASmallMaxBytesSendsEarlier(t *testing.T) {
	r := newRig(t, Config{MaxBytes: 64 << 10}, nil)
	trace := r.Trace(TraceConfig{})
	for i := range 2000 {
		trace.AddTag("n", fmt.Sprintf("%0500d", i))
	}
	r.close()
	if s := r.Stats(); s.Rejected != 0 || s.Delivered != 2002 {
		t.Errorf("%v, %d rejected", s, s.Rejected)
	}
}

// What is begun while Close is under way is ended or rejected.
func TestCallsThatRaceCloseLeaveNothingOpen(t *testing.T) {
	for range 50 {
		r := newRig(t, Config{}, nil)
		var calling sync.WaitGroup
		for range 4 {
			calling.Go(func() {
				for !r.closed.Load() {
					r.Trace(TraceConfig{})
				}
			})
		}
		r.close()
		calling.Wait()
		open := map[string]bool{}
		for _, l := range r.sink.lines {
			switch l.Action {
			case "create":
				open[l.ID] = true
			case "end":
				delete(open, l.ID)
			}
		}
		if len(open) != 0 {
			t.Fatalf("%d traces were begun and never ended", len(open))
		}
	}
}
