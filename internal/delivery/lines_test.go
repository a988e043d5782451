package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/transport"
)

// everywhere runs a test with a spool in memory and with one on disk, in a bubble.
func everywhere(t *testing.T, test func(t *testing.T, dir string)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, "") })
	})
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { test(t, dir) })
	})
}

func TestABatchIsSentBySizeAgeOrFlush(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		r := open(t, newServer(), dir, Config{BatchEntries: 10, BatchBytes: 1000, Age: time.Minute})
		sizes := func() (sizes []int) {
			for _, p := range r.server.seen() {
				sizes = append(sizes, len(p.lines))
			}
			return sizes
		}
		r.log(numbered(3)...)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := sizes(); got != nil {
			t.Fatalf("sent before its time: %v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.log(numbered(25)...)
		time.Sleep(time.Second)
		synctest.Wait()
		want := []int{3, 10, 10}
		if diff := cmp.Diff(want, sizes()); diff != "" {
			t.Fatal(diff)
		}
		r.flush()
		if diff := cmp.Diff(append(want, 5), sizes()); diff != "" {
			t.Fatal(diff)
		}
		r.close()
	})
}

func TestABatchIsCutByBytes(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		r := open(t, newServer(), dir, Config{BatchBytes: 1000})
		r.log(strings.Repeat("x", 499), strings.Repeat("y", 499), strings.Repeat("z", 2000), "end")
		time.Sleep(time.Second)
		synctest.Wait()
		var sizes []int
		for _, p := range r.server.seen() {
			sizes = append(sizes, len(p.lines))
		}
		if diff := cmp.Diff([]int{2, 1}, sizes); diff != "" {
			t.Error(diff)
		}
		r.flush()
		r.close()
	})
}

func TestBatchesAreNumberedAndInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		r := open(t, newServer(), dir, Config{BatchEntries: 7})
		lines := numbered(100)
		r.log(lines...)
		r.flush()
		next := uint64(1)
		for _, p := range r.server.seen() {
			if len(p.spool) != 32 || p.first != next {
				t.Errorf("spool %q, first %d, want %d", p.spool, p.first, next)
			}
			next += uint64(len(p.lines))
		}
		if diff := cmp.Diff(lines, r.server.taken()); diff != "" {
			t.Error(diff)
		}
		r.close()
	})
}

func TestCleanRejectionsLoseAndDoubleNothing(t *testing.T) { // R5
	everywhere(t, func(t *testing.T, dir string) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		chance := rand.New(rand.NewPCG(seed, 0))
		s := newServer()
		s.script = func(*post) answer {
			return []answer{{}, {status: 500}, {status: 503}, {status: 429}, {status: 429, retryAfter: "2"}, {}}[chance.IntN(6)]
		}
		r := open(t, s, dir, Config{BatchEntries: 20})
		lines := numbered(1000)
		r.log(lines...)
		r.flush()
		if diff := cmp.Diff(lines, s.taken()); diff != "" {
			t.Error(diff)
		}
		if len(r.reported(Failing)) == 0 || len(r.reported(Recovered)) == 0 || r.Health().Err != nil {
			t.Errorf("%d failures reported, %d recoveries, %v", len(r.reported(Failing)), len(r.reported(Recovered)), r.Health().Err)
		}
		r.close()
	})
}

func TestOverRealHTTP(t *testing.T) {
	s := newServer()
	n := 0
	s.script = func(*post) answer {
		if n++; n%3 == 0 {
			return answer{status: 429, retryAfter: "0"}
		}
		return answer{}
	}
	web := httptest.NewServer(s)
	defer web.Close()
	h, err := transport.New(transport.Config{BaseURL: web.URL, RepositoryID: repository})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := open(t, s, t.TempDir(), Config{BatchEntries: 50, Age: time.Millisecond, Backend: client{h, s}})
	lines := numbered(1000)
	for i := range 100 {
		r.log(lines[10*i : 10*i+10]...)
	}
	r.flush()
	if diff := cmp.Diff(lines, s.taken()); diff != "" {
		t.Error(diff)
	}
	r.close()
}

func TestOrderPerRootWithFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := ""
		if rapid.Bool().Draw(rt, "disk") {
			dir = t.TempDir()
		}
		script := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 429, 500, 502, 400, 413}), 1, 40).Draw(rt, "answers")
		groups := rapid.SliceOfN(rapid.IntRange(1, 30), 1, 10).Draw(rt, "groups")
		batch := rapid.IntRange(1, 20).Draw(rt, "batch")
		synctest.Test(t, func(t *testing.T) {
			s, n := newServer(), 0
			s.script = func(p *post) answer {
				if n++; n <= len(script) {
					return answer{status: script[n-1]}
				}
				return answer{}
			}
			r := open(t, s, dir, Config{BatchEntries: batch, Age: time.Second})
			logged := map[string][]string{}
			for g, size := range groups {
				for i := range size {
					root := fmt.Sprint("r", i%3)
					line := fmt.Sprintf("trace{id=%s,action=update,data={\"n\":%d%03d}}", root, g, i)
					logged[root] = append(logged[root], line)
					r.log(line)
				}
				time.Sleep(time.Duration(g) * 400 * time.Millisecond)
			}
			r.flush()
			got := map[string][]string{}
			for _, line := range s.taken() {
				got[line[9:11]] = append(got[line[9:11]], line)
			}
			dead := map[string]bool{}
			for letter, err := range r.cfg.Spool.Letters() {
				if err != nil {
					t.Error(err)
				}
				dead[string(letter.Data)] = true
			}
			if int64(len(dead)) != r.Counters().Dead {
				t.Errorf("%d letters, %d counted", len(dead), r.Counters().Dead)
			}
			for root, lines := range logged {
				var want []string
				for _, line := range lines {
					if !dead[line] {
						want = append(want, line)
					}
				}
				if diff := cmp.Diff(want, got[root]); diff != "" {
					t.Errorf("%s: %s", root, diff)
				}
			}
			r.close()
		})
	})
}

func TestAFlushCutsABackOffShortOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 500} }
		r := open(t, s, dir, Config{Age: time.Second})
		r.log(numbered(1)...)
		time.Sleep(10 * time.Minute) // now the back-off is up to a minute
		for range 5 {
			before := len(s.seen())
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			if err := r.Flush(ctx); err == nil {
				t.Error("flushed action was not delivered")
			}
			cancel()
			// The shortest back-off is half a second.
			if n := len(s.seen()) - before; n != 1 {
				t.Errorf("%d posts in a flush, want 1", n)
			}
		}
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		r.flush()
		r.close()
	})
}

// A flush does not make the time shorter for which a server asked to be left alone. Close
// makes one attempt in it.
func TestAFlushKeepsTheTimeThatTheServerAskedFor(t *testing.T) { // R11
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 429, retryAfter: "1000000000"} }
		r := open(t, s, dir, Config{Age: time.Millisecond, InFlight: 3})
		r.log(numbered(1)...)
		begun := time.Now()
		for time.Since(begun) < 270*time.Second {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			if err := r.Flush(ctx); err == nil {
				t.Error("flushed action was not delivered")
			}
			cancel()
		}
		if n := len(s.seen()); n != 1 {
			t.Errorf("%d posts in four and a half minutes of flushes, want 1", n)
		}
		time.Sleep(time.Minute) // the longest time that is believed is 5 minutes
		if n := len(s.seen()); n != 2 {
			t.Errorf("%d posts after six minutes, want 2", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.Close(ctx, true); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		if n := len(s.seen()); n != 3 {
			t.Errorf("%d posts after close, want 3", n)
		}
	})
}

// A server that is found throttling by Close itself is not asked again.
func TestCloseTriesOnceWhereTheServerAsksForTime(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 503, retryAfter: "20"} }
		r := open(t, s, dir, Config{})
		r.log(numbered(1)...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.Close(ctx, true); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		if n := len(s.seen()); n != 1 {
			t.Errorf("%d posts, want 1", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) { // R11
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.script = func(*post) answer {
			if len(s.posts) < 3 {
				return answer{status: 503, retryAfter: "30"}
			}
			return answer{}
		}
		r := open(t, s, dir, Config{Age: time.Millisecond})
		r.log(numbered(1)...)
		time.Sleep(2 * time.Minute)
		posts := s.seen()
		if len(posts) != 4 {
			t.Fatalf("%d posts", len(posts))
		}
		for i := range 3 {
			if d := posts[i+1].at.Sub(posts[i].at); d < 30*time.Second || d > 33*time.Second {
				t.Errorf("post %d came after %v", i+1, d)
			}
		}
		r.close()
	})
}

func TestAPanicOfTheBackendIsContained(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		c := &fakeBackend{}
		c.send = func(ctx context.Context, b transport.Batch) error {
			if c.sends <= 2 {
				panic("a bug")
			}
			return nil
		}
		r := open(t, s, dir, Config{Backend: c})
		r.log(numbered(3)...)
		r.flush()
		if a := r.Counters(); a.Panics != 2 || a.Delivered != 3 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

// fakeBackend is a Backend made of functions.
type fakeBackend struct {
	sends  int // owned by the goroutine that sends
	send   func(context.Context, transport.Batch) error
	upload func(context.Context, transport.File) error
}

// Send implements transport.Backend.
func (c *fakeBackend) Send(ctx context.Context, b transport.Batch) error {
	c.sends++
	if c.send == nil {
		return nil
	}
	return c.send(ctx, b)
}

// Order implements transport.Backend.
func (c *fakeBackend) Order() transport.Order { return transport.Unknown }

// Upload implements transport.Backend.
func (c *fakeBackend) Upload(ctx context.Context, f transport.File) error {
	if c.upload == nil {
		return nil
	}
	return c.upload(ctx, f)
}
