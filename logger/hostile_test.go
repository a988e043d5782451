package logger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
			l, err := New(Config{ID: "r", Durability: Memory, BaseURL: "http://127.0.0.1", Transport: broken, ManualFlush: true, OnError: func(err error) {
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
	l, err := New(Config{ID: "r", Durability: Memory, BaseURL: server.URL, Debug: true, Slog: slog.New(panickingHandler{})})
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

// A server that is back is tried when somebody flushes, whatever the back-off says.
func TestFlushDoesNotWaitForTheBackOff(t *testing.T) {
	var healthy atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && !healthy.Load() {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `{"data":{}}`)
	}))
	defer server.Close()
	failed := make(chan struct{}, 10)
	l, err := New(Config{ID: "r", Durability: Memory, BaseURL: server.URL, FlushInterval: time.Millisecond, OnError: func(err error) {
		if errors.Is(err, ErrDelivery) {
			failed <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{}).End()
	<-failed
	healthy.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Errorf("Flush = %v", err)
	}
	if err := l.Close(ctx); err != nil {
		t.Errorf("Close = %v", err)
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
