package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// far is a Backend whose server is far away and takes several batches at once.
type far struct {
	order  transport.Order
	answer func(b transport.Batch) error // nil takes everything; called concurrently

	mu    sync.Mutex
	now   int               // guarded by mu, like all below; batches under way
	most  int               // of now
	lines []string          // taken, in the order of arrival
	by    map[string]string // line by spool and number
}

// Send implements transport.Backend.
func (c *far) Send(_ context.Context, b transport.Batch) error {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(200 * time.Millisecond) // of a bubble: the way to the server and back
	var err error
	if c.answer != nil {
		err = c.answer(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(b.Body), "\n") {
		c.lines = append(c.lines, line)
		if b.Spool != "" {
			c.by[fmt.Sprint(b.Spool, " ", b.First+uint64(i))] = line
		}
	}
	return nil
}

// Upload implements transport.Backend.
func (*far) Upload(context.Context, transport.File) error { return nil }

// Order implements transport.Backend. Nothing is known before the first answer.
func (c *far) Order() transport.Order {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return transport.Unknown
	}
	return c.order
}

// logKeys appends n lines of the given number of order keys, in turn.
func (r *rig) logKeys(keys, n int) {
	entries := make([]messages.Entry, n)
	for i := range entries {
		key := i % keys
		entries[i] = messages.Entry{OrderKey: uint16(key), Line: fmt.Appendf(nil, "trace{id=t%d,action=update,data={\"input\":%d}}", key, i)}
		r.release(-entries[i].Cost())
	}
	r.Append(entries)
}

// byTrace groups lines by their trace.
func byTrace(lines []string) map[string][]string {
	by := map[string][]string{}
	for _, line := range lines {
		trace, _, _ := strings.Cut(line, ",")
		by[trace] = append(by[trace], line)
	}
	return by
}

func TestSeveralBatchesAreUnderWayAtOnce(t *testing.T) {
	for name, order := range map[string]transport.Order{"by number": transport.ByNumber, "by arrival": transport.ByArrival} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, dir string) {
				c := &far{order: order, by: map[string]string{}}
				r := open(t, newServer(), dir, Config{Backend: c, InFlight: 4, BatchEntries: 10})
				r.log("trace{id=t,action=create,data={}}")
				r.flush() // now the order is known
				begun := time.Now()
				r.logKeys(8, 400)
				r.flush()
				// One after the other the 40 batches would take 8 seconds.
				if took := time.Since(begun); c.most != 4 || took > 3*time.Second {
					t.Errorf("%d batches at once, %v in all", c.most, took)
				}
				r.close()
			})
		})
	}
}

func TestOneBatchAtATimeIsTheDefault(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		c := &far{order: transport.ByNumber, by: map[string]string{}}
		r := open(t, newServer(), dir, Config{Backend: c, BatchEntries: 10})
		r.logKeys(8, 100)
		r.flush()
		if c.most != 1 {
			t.Errorf("%d batches at once", c.most)
		}
		r.close()
	})
}

// chaotic rejects and fails at random, and always rejects lines that contain "poison".
func chaotic(seed uint64) func(transport.Batch) error {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed))
	return func(b transport.Batch) error {
		mu.Lock()
		n := random.IntN(10)
		mu.Unlock()
		switch {
		case n == 0:
			return errors.New("reset")
		case n == 1:
			return &transport.Error{Op: "send", Kind: transport.Throttled, Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Second}
		case n == 2 && b.Lines > 1:
			return &transport.Error{Op: "send", Kind: transport.TooLarge, Status: http.StatusRequestEntityTooLarge}
		case strings.Contains(string(b.Body), "poison"):
			return &transport.Error{Op: "send", Kind: transport.Rejected, Status: http.StatusBadRequest}
		}
		return nil
	}
}

// Whatever fails, every line has one outcome, lines with one order key arrive in their order, and
// no number is used for two lines.
func TestManyInFlightLoseNothingAndKeepTheOrderOfEachKey(t *testing.T) {
	for name, order := range map[string]transport.Order{"by number": transport.ByNumber, "by arrival": transport.ByArrival} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &far{order: order, by: map[string]string{}, answer: chaotic(seed)}
					r := open(t, newServer(), "", Config{Backend: c, InFlight: 5, BatchEntries: 16})
					const goroutines, lines = 7, 600
					r.logKeys(goroutines, lines/2)
					r.log("trace{id=bad,action=update,data={\"input\":\"poison\"}}")
					r.logKeys(goroutines, lines/2)
					r.flush()
					if a := r.Counters(); a.Delivered != lines || a.Dead != 1 {
						t.Errorf("%+v", a)
					}
					want := map[string][]string{}
					for range 2 {
						for i := range lines / 2 {
							key := fmt.Sprintf("trace{id=t%d", i%goroutines)
							want[key] = append(want[key], fmt.Sprintf("%s,action=update,data={\"input\":%d}}", key, i))
						}
					}
					got := c.lines
					if order == transport.ByNumber {
						got = inOrderOfNumbers(c.by)
					}
					if diff := cmp.Diff(want, byTrace(got)); diff != "" {
						t.Errorf("-want +got:\n%.2000s", diff)
					}
					r.close()
				})
			})
		}
	}
}

// inOrderOfNumbers returns lines as a server has them that goes by numbers.
func inOrderOfNumbers(by map[string]string) []string {
	number := func(key string) (n uint64) {
		_, text, _ := strings.Cut(key, " ")
		_, _ = fmt.Sscan(text, &n)
		return n
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return int(number(a)) - int(number(b)) })
	lines := make([]string, len(keys))
	for i, key := range keys {
		lines[i] = by[key]
	}
	return lines
}

// A flush may end a back-off, but not before the time that another answer of the same
// moment asked for.
func TestATimeThatTheServerAskedForMakesABackOffFirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(4)
		first, _ := th.acquire(t.Context())
		second, _ := th.acquire(t.Context())
		for range 20 { // so that the next back-off is long
			th.failed(errors.New("reset"))
		}
		th.block(first, errors.New("reset"), retry)
		if wait := th.firmWait(); wait != 0 {
			t.Errorf("a back-off is firm for %v", wait)
		}
		th.block(second, &transport.Error{Kind: transport.Throttled, RetryAfter: time.Second}, retry)
		if wait := th.firmWait(); wait < time.Second {
			t.Errorf("the wait is firm for %v, and the server asked for a second", wait)
		}
		th.release(first)
		th.release(second)
	})
}

// While a server fails, one attempt at a time finds out whether it is well again, and no
// answer to an earlier request shortens the wait that the server asked for.
func TestAFailingServerIsAskedByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(4)
		var passes []permit
		for range 4 {
			p, ok := th.acquire(t.Context())
			if !ok {
				t.Fatal("the throttle is blocked")
			}
			passes = append(passes, p)
		}
		begun := time.Now()
		th.block(passes[0], &transport.Error{Kind: transport.Throttled, RetryAfter: time.Minute}, retry)
		if th.unblock(passes[1]) {
			t.Error("an answer from before ended the wait")
		}
		th.block(passes[2], errors.New("reset"), retry)
		if n := th.count; n != 1 {
			t.Errorf("%d failures are counted, want 1", n)
		}
		for _, p := range passes {
			th.release(p)
		}
		var inside, most int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				p, _ := th.acquire(t.Context())
				mu.Lock()
				inside++
				alone := th.last() != nil
				if alone {
					most = max(most, inside)
				}
				if waited := time.Since(begun); waited < time.Minute {
					t.Errorf("entered after %v", waited)
				}
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				th.unblock(p)
				th.release(p)
			})
		}
		all.Wait()
		if most != 1 {
			t.Errorf("%d asked a failing server at once", most)
		}
	})
}
