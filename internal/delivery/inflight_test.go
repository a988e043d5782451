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

// logLanes appends n lines of so many lanes, in turn.
func (r *rig) logLanes(lanes, n int) {
	entries := make([]messages.Entry, n)
	for i := range entries {
		lane := i % lanes
		entries[i] = messages.Entry{Lane: uint16(lane), Line: fmt.Appendf(nil, "trace{id=t%d,action=update,data={\"input\":%d}}", lane, i)}
		r.release(-entries[i].Cost())
	}
	r.Append(entries)
}

// ofLanes takes lines apart by the trace they are about.
func ofLanes(lines []string) map[string][]string {
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
				r.logLanes(8, 400)
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
		r.logLanes(8, 100)
		r.flush()
		if c.most != 1 {
			t.Errorf("%d batches at once", c.most)
		}
		r.close()
	})
}

// chaotic refuses and fails at random, and condemns the lines that hold "poison".
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

// Whatever fails, every line has one outcome, those of one lane arrive in their order,
// and a number never stands for two lines.
func TestManyInFlightLoseNothingAndKeepTheOrderOfEachLane(t *testing.T) {
	for name, order := range map[string]transport.Order{"by number": transport.ByNumber, "by arrival": transport.ByArrival} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &far{order: order, by: map[string]string{}, answer: chaotic(seed)}
					r := open(t, newServer(), "", Config{Backend: c, InFlight: 5, BatchEntries: 16})
					const lanes, lines = 7, 600
					r.logLanes(lanes, lines/2)
					r.log("trace{id=bad,action=update,data={\"input\":\"poison\"}}")
					r.logLanes(lanes, lines/2)
					r.flush()
					if a := r.Account(); a.Delivered != lines || a.Dead != 1 {
						t.Errorf("%+v", a)
					}
					want := map[string][]string{}
					for range 2 {
						for i := range lines / 2 {
							key := fmt.Sprintf("trace{id=t%d", i%lanes)
							want[key] = append(want[key], fmt.Sprintf("%s,action=update,data={\"input\":%d}}", key, i))
						}
					}
					got := c.lines
					if order == transport.ByNumber {
						got = inOrderOfNumbers(c.by)
					}
					if diff := cmp.Diff(want, ofLanes(got)); diff != "" {
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
		g := newGate(4)
		first, _ := g.enter(t.Context())
		second, _ := g.enter(t.Context())
		for range 20 { // so that the next back-off is long
			g.failed(errors.New("reset"))
		}
		g.hold(first, errors.New("reset"), again)
		if wait := g.firmly(); wait != 0 {
			t.Errorf("a back-off is firm for %v", wait)
		}
		g.hold(second, &transport.Error{Kind: transport.Throttled, RetryAfter: time.Second}, again)
		if wait := g.firmly(); wait < time.Second {
			t.Errorf("the wait is firm for %v, and the server asked for a second", wait)
		}
		g.leave(first)
		g.leave(second)
	})
}

// While a server fails, one attempt at a time finds out whether it is well again, and no
// answer to a request from before shortens what it asked for.
func TestAFailingServerIsAskedByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4)
		var passes []pass
		for range 4 {
			p, ok := g.enter(t.Context())
			if !ok {
				t.Fatal("the gate is closed")
			}
			passes = append(passes, p)
		}
		begun := time.Now()
		g.hold(passes[0], &transport.Error{Kind: transport.Throttled, RetryAfter: time.Minute}, again)
		if g.clear(passes[1]) {
			t.Error("an answer from before opened the gate")
		}
		g.hold(passes[2], errors.New("reset"), again)
		if n := g.count; n != 1 {
			t.Errorf("%d failures are counted, want 1", n)
		}
		for _, p := range passes {
			g.leave(p)
		}
		var inside, most int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				p, _ := g.enter(t.Context())
				mu.Lock()
				inside++
				alone := g.last() != nil
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
				g.clear(p)
				g.leave(p)
			})
		}
		all.Wait()
		if most != 1 {
			t.Errorf("%d asked a failing server at once", most)
		}
	})
}
