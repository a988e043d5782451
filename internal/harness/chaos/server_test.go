package chaos

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server in front of a handler that counts.
type rig struct {
	*Server
	t      *testing.T
	client *http.Client
	seen   atomic.Int64
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, client: &http.Client{Transport: &http.Transport{}}}
	inner := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || len(body) == 0 {
			t.Errorf("the handler reads %q, %v", body, err)
		}
		r.seen.Add(1)
		w.Header().Set("X-Inner", "yes")
		_, _ = io.WriteString(w, "taken")
	})
	var err error
	if r.Server, err = Start(inner, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.CloseIdleConnections)
	t.Cleanup(r.Down)
	return r
}

// post sends two lines and returns the status and what went wrong.
func (r *rig) post(ctx context.Context) (int, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL(), strings.NewReader("one\ntwo"))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return resp.StatusCode, err
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault  Fault
		status func(int) bool
		fails  bool // the client gets no whole answer
		want   Count
	}{
		"none":         {None, is(200), false, Count{Posts: 1, Answered: 1, Lines: 2}},
		"slow":         {Slow, is(200), false, Count{Posts: 1, Answered: 1, Lines: 2}},
		"refuse":       {Refuse, func(status int) bool { return status >= 500 }, false, Count{Posts: 1}},
		"throttle":     {Throttle, is(429), false, Count{Posts: 1}},
		"reset before": {ResetBefore, is(0), true, Count{Posts: 1}},
		"reset after":  {ResetAfter, is(0), true, Count{Posts: 1, Lines: 2, Unanswered: 2}},
		"half answer":  {HalfAnswer, is(200), true, Count{Posts: 1, Lines: 2, Unanswered: 2}},
		"portal":       {Portal, is(200), false, Count{Posts: 1}},
		"no content":   {NoContent, is(204), false, Count{Posts: 1}},
		"errors":       {ErrorsMember, is(200), false, Count{Posts: 1}},
		"long wait":    {LongWait, is(429), false, Count{Posts: 1}},
		"large":        {Large, is(413), false, Count{Posts: 1}},
		"headless":     {Headless, is(200), false, Count{Posts: 1, Answered: 1, Lines: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Inject(Mix{test.fault: 1})
			status, err := r.post(t.Context())
			if !test.status(status) || (err != nil) != test.fails {
				t.Errorf("status %d, %v", status, err)
			}
			if diff := gocmp.Diff(test.want, r.Count()); diff != "" {
				t.Error(diff)
			}
			if got, want := r.seen.Load(), min(1, r.Count().Lines); got != want {
				t.Errorf("the handler saw %d requests, want %d", got, want)
			}
			r.Inject(nil)
			if status, err := r.post(t.Context()); status != http.StatusOK || err != nil {
				t.Errorf("without faults: %d, %v", status, err)
			}
		})
	}
}

// Replay is what a proxy does that repeats a request whose answer it did not get.
func TestReplayProcessesTwice(t *testing.T) {
	r := newRig(t)
	r.Inject(Mix{Replay: 1})
	if status, err := r.post(t.Context()); status != http.StatusOK || err != nil || r.seen.Load() != 2 {
		t.Errorf("status %d, %v, the handler saw %d requests", status, err, r.seen.Load())
	}
}

func TestHeadlessTakesTroupesHeadersOnly(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Troupe-Order", "seq")
		w.Header().Set("X-Other", "stays")
	})
	s, err := Start(inner, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Down()
	s.Inject(Mix{Headless: 1})
	resp, err := http.Post(s.URL(), "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header; got.Get("X-Troupe-Order") != "" || got.Get("X-Other") != "stays" {
		t.Errorf("headers %v", got)
	}
}

func is(want int) func(int) bool { return func(got int) bool { return got == want } }

// A server that does not answer lets go when the client does, and when it goes down.
func TestServersThatDoNotAnswer(t *testing.T) {
	for name, fault := range map[string]Fault{"stall": Stall, "trickle": Trickle} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Inject(Mix{fault: 1})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if status, err := r.post(ctx); err == nil {
				t.Errorf("status %d", status)
			}
			if r.seen.Load() != 0 {
				t.Error("the request was processed")
			}
		})
	}
	r := newRig(t)
	r.Inject(Mix{Stall: 1})
	ended := make(chan error)
	go func() {
		_, err := r.post(t.Context())
		ended <- err
	}()
	for r.Count().Posts == 0 {
		time.Sleep(time.Millisecond)
	}
	r.Down()
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
}

func TestDownRefusesConnectionsUntilUp(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.Down()
		r.client.CloseIdleConnections() // or it would notice only now that they are gone
		if status, err := r.post(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("down: status %d, %v", status, err)
		}
		if err := r.Up(); err != nil {
			t.Fatal(err)
		}
		if status, err := r.post(t.Context()); status != http.StatusOK {
			t.Errorf("up: status %d, %v", status, err)
		}
	}
}

func TestMixKeepsItsProbabilities(t *testing.T) {
	mix := Mix{Refuse: 0.25, ResetAfter: 0.5}
	rnd := rand.New(rand.NewPCG(3, 4))
	const draws = 100_000
	got := map[Fault]float64{}
	for range draws {
		got[mix.draw(rnd)]++
	}
	for fault, want := range map[Fault]float64{None: 0.25, Refuse: 0.25, ResetAfter: 0.5} {
		if part := got[fault] / draws; part < want-0.01 || part > want+0.01 {
			t.Errorf("fault %d came with %v, want %v", fault, part, want)
		}
	}
	if len(got) != 3 {
		t.Errorf("drawn: %v", got)
	}
}
