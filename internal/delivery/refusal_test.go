package delivery

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/transport"
)

// refusals are the answers by which a server refuses lines.
var refusals = []answer{{status: 400}, {status: 413}, {status: 422}, {status: 200, body: `{"error":"bad line"}`}}

// poisonous answers a post that holds a poison.
func poisonous(a answer) func(*post) answer {
	return func(p *post) answer {
		for _, line := range p.lines {
			if strings.Contains(line, "poison") {
				return a
			}
		}
		return answer{}
	}
}

// poisoned returns n lines with poisons at the places.
func poisoned(n int, places ...int) (lines, good []string) {
	lines = numbered(n)
	for _, at := range places {
		lines[at] = fmt.Sprintf("trace{id=t,action=update,data={\"poison\":%d}}", at)
	}
	good = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, "poison") })
	return lines, good
}

func TestPoisonIsIsolated(t *testing.T) { // R9
	const n = 10_000
	most := 2*math.Log2(n) + 2
	for _, a := range refusals {
		for _, places := range [][]int{{0}, {n - 1}, {6789}, {5, 1000, 1001, 1002, 4999, 5000, 7000, 7777, 9000, 9999}} {
			t.Run(fmt.Sprintf("%d%s/%d", a.status, a.body[:min(2, len(a.body))], places), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer()
					s.script = poisonous(a)
					r := open(t, s, "", Config{BatchEntries: n})
					lines, good := poisoned(n, places...)
					start := time.Now()
					r.log(lines...)
					r.flush()
					k := len(places)
					if d := time.Since(start); d >= time.Duration(k)*5*time.Second {
						t.Errorf("it took %v", d)
					}
					if posts := len(s.seen()); float64(posts) > most*float64(k) {
						t.Errorf("%d posts for %d poisons, at most %.1f each", posts, k, most)
					} else {
						t.Logf("%d posts, at most %.1f", posts, most*float64(k))
					}
					if !slices.Equal(good, s.taken()) {
						t.Error("the good lines did not all arrive, once and in order")
					}
					if got := r.Counters(); got.Dead != int64(k) || got.Delivered != int64(n-k) {
						t.Errorf("%+v", got)
					}
					for letter, err := range r.cfg.Spool.Letters() {
						if err != nil || letter.Status != a.status || letter.Reason == "" || !strings.Contains(string(letter.Data), "poison") {
							t.Errorf("letter %+v, %v", letter, err)
						}
					}
					r.close()
				})
			})
		}
	}
}

func TestALineIsRejectedTwiceAloneBeforeItIsDead(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.script = func(p *post) answer {
			if len(s.posts) == 0 { // a server that has a bad moment
				return answer{status: 400}
			}
			return answer{}
		}
		r := open(t, s, dir, Config{})
		r.log(numbered(1)...)
		r.flush()
		if a := r.Counters(); a.Dead != 0 || a.Delivered != 1 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

func TestTooLargeMakesSmallerBatches(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		const limit = 300_000
		s := newServer()
		s.script = func(p *post) answer {
			size := len(p.lines) - 1
			for _, l := range p.lines {
				size += len(l)
			}
			if size > limit {
				return answer{status: 413}
			}
			return answer{}
		}
		r := open(t, s, dir, Config{})
		lines := make([]string, 300)
		for i := range lines {
			lines[i] = strings.Repeat("x", 10_000)
		}
		r.log(lines...)
		r.flush()
		refused := 0
		for _, p := range s.seen() {
			if p.status == 413 {
				refused++
			}
		}
		// 4 levels of halves to begin with; then a batch outgrows the limit now and then.
		if refused > 20 || r.Counters().Delivered != 300 {
			t.Errorf("%d posts were too large, %d entries delivered", refused, r.Counters().Delivered)
		}
		r.close()
	})
}

func TestMisconfigurationPausesAndLosesNothing(t *testing.T) { // R10
	for _, status := range []int{401, 402, 403, 404, 301, 302, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				s.script = func(*post) answer { return answer{status: status} }
				r := open(t, s, "", Config{Age: time.Second})
				start := time.Now()
				for range 60 { // an application that logs, and flushes again and again
					r.log(numbered(5)...)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_ = r.Flush(ctx)
					cancel()
				}
				posts := s.seen()
				if minutes := time.Since(start).Minutes(); float64(len(posts)) > minutes+1 {
					t.Errorf("%d posts in %.1f minutes", len(posts), minutes)
				}
				for i := range len(posts) - 1 {
					if d := posts[i+1].at.Sub(posts[i].at); d < time.Minute {
						t.Errorf("post %d came after %v", i+1, d)
					}
				}
				if r.Health().Err == nil || r.Counters().Dead != 0 {
					t.Errorf("health %v, %d dead", r.Health().Err, r.Counters().Dead)
				}
				s.mu.Lock()
				s.script = nil
				s.mu.Unlock()
				time.Sleep(time.Minute)
				synctest.Wait()
				if a := r.Counters(); a.Delivered != 300 {
					t.Errorf("a minute after the key was fixed: %+v", a)
				}
				r.close()
			})
		})
	}
}

func TestCloseTriesOnceMoreInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 401} }
		r := open(t, s, "", Config{Age: time.Millisecond})
		r.log(numbered(5)...)
		time.Sleep(time.Second)
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		r.close()
		if a := r.Counters(); a.Delivered != 5 {
			t.Errorf("%+v", a)
		}
	})
}

func TestAServerThatRejectsEverythingPausesDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 400} }
		r := open(t, s, "", Config{Age: time.Millisecond, BatchEntries: 100})
		r.log(numbered(1000)...)
		time.Sleep(220 * time.Second) // 200 entries at a second each; then the pause begins
		if a := r.Counters(); a.Dead != maxDead {
			t.Errorf("%+v", a)
		}
		posts := len(s.seen())
		time.Sleep(30 * time.Second)
		if now := len(s.seen()); now != posts {
			t.Errorf("%d posts in the pause", now-posts)
		}
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		r.flushThroughPause(t)
		if a := r.Counters(); a.Dead != maxDead || a.Delivered != 1000-maxDead {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

// flushThroughPause is flush through a pause.
func (r *rig) flushThroughPause(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestBreakerWindow(t *testing.T) {
	var b breaker
	for i := range maxDead {
		if !b.allow() {
			t.Fatalf("%d dead letters were too many", i+1)
		}
	}
	b.delivered(windowSize - maxDead)
	for range 10 * maxDead { // each leaves the window as the next enters it
		if !b.allow() {
			t.Fatal("a fifth was too many")
		}
		b.delivered(4)
	}
	for i := range maxDead + 1 {
		if ok := b.allow(); !ok {
			if i > maxDead {
				t.Errorf("stopped after %d", i)
			}
			break
		}
		if i == maxDead {
			t.Error("more than a fifth was not too many")
		}
	}
	if !b.allow() {
		t.Error("the window did not start anew")
	}
}

func TestActionForErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want retryAction
	}{
		{nil, accepted},
		{context.DeadlineExceeded, retry},
		{errPanicked, retry},
		{&transport.Error{Kind: transport.Retry}, retry},
		{&transport.Error{Kind: transport.Throttled}, retry},
		{&transport.Error{Kind: transport.Canceled}, retry},
		{&transport.Error{Kind: transport.Misconfigured}, pause},
		{&transport.Error{Kind: transport.Rejected}, split},
		{&transport.Error{Kind: transport.TooLarge}, splitSmaller},
		{&transport.Error{Kind: 200}, retry},
		{fmt.Errorf("wrapped: %w", &transport.Error{Kind: transport.Rejected}), split},
		{transport.ErrUnsafeURL, pause},
		{transport.ErrNoContent, split},
	} {
		if got := actionFor(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}
