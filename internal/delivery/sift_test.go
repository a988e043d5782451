package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/transport"
)

// counter is a server that counts lines as a collector does: it stores a number once,
// refuses some lines and names them.
type counter struct {
	refuses func(line string) bool
	names   int  // refused lines that an answer names at most; 0 is all
	old     bool // a refused line that comes again counts as a duplicate, too
	order   bool // it says that it goes by numbers
	// spoil changes an answer; may be nil. A request that lose takes never reaches the server,
	// and its answer is empty.
	spoil func(w *httptest.ResponseRecorder, lost bool)
	lose  func() bool

	mu       sync.Mutex
	posts    int               // guarded by mu
	numbers  map[string]string // guarded by mu; lines by sender and number
	twice    int               // guarded by mu; lines stored under a second number
	stored   map[string]bool   // guarded by mu
	nameless int               // guarded by mu; posts without numbers
}

func newCounter(refuses func(string) bool) *counter {
	return &counter{refuses: refuses, numbers: map[string]string{}, stored: map[string]bool{}}
}

// ServeHTTP implements http.Handler.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	spool := r.Header.Get(protocol.HeaderProducer)
	first, err := strconv.ParseUint(r.Header.Get(protocol.HeaderSeq), 10, 63)
	if err != nil || first == 0 || len(spool) != 32 {
		c.nameless++
	}
	var data struct {
		Accepted   int                     `json:"accepted"`
		Duplicates int                     `json:"duplicates"`
		Refused    int                     `json:"refused"`
		Rejected   []transport.RefusedLine `json:"rejected"`
	}
	for i, line := range strings.Split(string(body), "\n") {
		number := fmt.Sprint(spool, first+uint64(i))
		_, known := c.numbers[number]
		switch {
		case c.refuses(line):
			if c.old {
				if c.numbers[number] = line; known {
					data.Duplicates++
				}
			}
			if data.Refused++; c.names == 0 || len(data.Rejected) < c.names {
				data.Rejected = append(data.Rejected, transport.RefusedLine{Line: i, Reason: "bad line"})
			}
		case known:
			data.Duplicates++
		default:
			data.Accepted++
			c.numbers[number] = line
			if c.stored[line] {
				c.twice++
			}
			c.stored[line] = true
		}
	}
	if c.order {
		w.Header().Set(protocol.HeaderOrder, "seq")
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	w := httptest.NewRecorder()
	lost := c.lose != nil && c.lose()
	if !lost {
		c.ServeHTTP(w, r)
	}
	if c.spoil != nil {
		c.spoil(w, lost)
	}
	if w.Code == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

// client returns a Backend of the server.
func (c *counter) client(t *testing.T) transport.Backend {
	t.Helper()
	h, err := transport.New(transport.Config{BaseURL: "http://127.0.0.1:1", RepositoryID: repository, RoundTripper: c})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// flushes flushes so many times, a minute each, while nothing is delivered.
func (r *rig) flushes(n int) {
	r.t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
		if err := r.Flush(ctx); err == nil {
			r.t.Error("flushed action was not delivered")
		}
		cancel()
	}
}

// letters returns the data of the dead letters.
func (r *rig) letters() (data []string) {
	r.t.Helper()
	for letter, err := range r.cfg.Spool.Letters() {
		if err != nil {
			r.t.Error(err)
		}
		data = append(data, string(letter.Data))
	}
	return data
}

// A collector may refuse any lines, and name all of them or the first few: accepted =
// delivered + dead, each dead letter has its reason and was reported, and no line is
// stored twice.
func TestRejectedLinesBecomeDeadLettersAndTheOthersAreDelivered(t *testing.T) { // A1
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(rt, "lines")
		bad := map[string]bool{}
		lines := numbered(n)
		every := rapid.IntRange(1, 20).Draw(rt, "one bad in")
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		for _, line := range lines {
			bad[line] = chance.IntN(every) == 0
		}
		c := newCounter(func(line string) bool { return bad[line] })
		c.names = rapid.SampledFrom([]int{0, 0, 1, 3, 100}).Draw(rt, "names")
		c.order, c.old = rapid.Bool().Draw(rt, "order"), rapid.Bool().Draw(rt, "old")
		batch := rapid.IntRange(1, 400).Draw(rt, "batch")
		flights := rapid.IntRange(1, 4).Draw(rt, "flights")
		synctest.Test(t, func(t *testing.T) {
			r := open(t, newServer(), "", Config{Backend: c.client(t), BatchEntries: batch, InFlight: flights})
			r.log(lines...)
			r.flush()
			var good, dead []string
			for _, line := range lines {
				if bad[line] {
					dead = append(dead, line)
				} else {
					good = append(good, line)
				}
			}
			if a := r.Counters(); a.Delivered != int64(len(good)) || a.Dead != int64(len(dead)) || a.Sent.Entries != a.Delivered {
				t.Errorf("%d delivered, %d dead, %d counted as sent; want %d, %d", a.Delivered, a.Dead, a.Sent.Entries, len(good), len(dead))
			}
			letters := r.letters()
			slices.Sort(letters)
			slices.Sort(dead)
			if diff := cmp.Diff(dead, letters); diff != "" {
				t.Errorf("dead letters: %s", diff)
			}
			events := r.reported(Dead)
			if len(events) != len(dead) {
				t.Errorf("%d dead letters were reported, want %d", len(events), len(dead))
			}
			for _, e := range events {
				if !strings.Contains(e.Err.Error(), "bad line") || statusOf(e.Err) != 200 {
					t.Errorf("reported is %v with status %d", e.Err, statusOf(e.Err))
				}
			}
			if len(c.stored) != len(good) || c.twice != 0 || c.nameless != 0 {
				t.Errorf("%d stored, %d of them twice, %d posts without numbers; want %d", len(c.stored), c.twice, c.nameless, len(good))
			}
			r.close()
		})
	})
}

func TestManyRejectedLinesOfOneBatchAreAllDead(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		const n = 500
		c := newCounter(func(string) bool { return true })
		r := open(t, newServer(), dir, Config{Backend: c.client(t), BatchEntries: n})
		r.log(numbered(n)...)
		r.flush()
		if a := r.Counters(); a.Dead != n || c.posts != 1 || len(r.reported(Dead)) != n {
			t.Errorf("%d dead after %d posts, %d reported; want %d after one", a.Dead, c.posts, len(r.reported(Dead)), n)
		}
		for letter, err := range r.cfg.Spool.Letters() {
			if err != nil || letter.Status != 200 || !strings.Contains(letter.Reason, "bad line") {
				t.Fatalf("letter %+v, %v", letter, err)
			}
		}
		r.close()
	})
}

// A server that refuses a line and does not say which is asked again with less.
func TestARejectedLineThatIsNotNamedIsFound(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		c := newCounter(func(line string) bool { return strings.Contains(line, "poison") })
		c.spoil = func(w *httptest.ResponseRecorder, _ bool) {
			text := bytes.NewBufferString(strings.Replace(w.Body.String(), `"rejected":[`, `"rejected":[],"other":[`, 1))
			w.Body = text
		}
		r := open(t, newServer(), dir, Config{Backend: c.client(t)})
		lines, good := poisoned(1000, 333, 777)
		r.log(lines...)
		r.flush()
		if a := r.Counters(); a.Dead != 2 || a.Delivered != int64(len(good)) || len(c.stored) != len(good) || c.twice != 0 {
			t.Errorf("%d dead, %d delivered, %d stored, %d twice", a.Dead, a.Delivered, len(c.stored), c.twice)
		}
		for _, e := range r.reported(Dead) {
			if !strings.Contains(e.Err.Error(), "gives no reason") {
				t.Errorf("reported is %v", e.Err)
			}
		}
		r.close()
	})
}

// cut and replaced answers, and proxies that answer in the place of a collector, cost time
// and nothing else, however many batches are under way.
func TestAnswersOfAProxyLoseAndDoubleNothing(t *testing.T) { // A2, B2
	answers := map[string]string{
		"other JSON":       `{"data":{}}`,
		"nothing accepted": `{"data":{"accepted":0}}`,
		"another count":    `{"data":{"accepted":1,"duplicates":0,"refused":0}}`,
		"a refusal":        `{"errors":["x"],"success":false}`,
		"a web page":       "<html>sign in</html>",
		"nothing":          "",
		"OK":               "OK",
		"null":             "null",
		"cut off":          "cut",
	}
	for name, body := range answers {
		for _, flights := range []int{1, 4} {
			t.Run(fmt.Sprint(name, "/", flights), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCounter(func(string) bool { return false })
					c.order = true
					chance := rand.New(rand.NewPCG(uint64(flights), 1))
					var mu sync.Mutex
					one := func(in int) bool {
						mu.Lock()
						defer mu.Unlock()
						return chance.IntN(in) == 0
					}
					spoil := func(w *httptest.ResponseRecorder, lost bool) {
						if !lost && !one(8) {
							return
						}
						if w.Body = bytes.NewBufferString(body); body == "cut" {
							w.Code = 0
						}
						w.Header().Del(protocol.HeaderOrder)
					}
					r := open(t, newServer(), "", Config{Backend: c.client(t), BatchEntries: 10, InFlight: flights})
					r.log("trace{id=t,action=create,data={}}")
					r.flush() // now the server is known
					c.spoil, c.lose = spoil, func() bool { return one(8) }
					r.logKeys(7, 400)
					r.flush()
					// Who refuses a line twice is believed, though it may be a proxy.
					if a := r.Counters(); a.Delivered+a.Dead != 401 || a.Dead > 0 && name != "a refusal" {
						t.Errorf("%+v", a)
					}
					if int64(len(c.stored)) < r.Counters().Delivered || c.twice != 0 || c.nameless != 0 {
						t.Errorf("%d stored, %d of them twice, %d posts without numbers", len(c.stored), c.twice, c.nameless)
					}
					r.close()
				})
			})
		}
	}
}

// A server that never says that it goes by numbers gets them all the same: it may be a
// collector behind a proxy that takes the header away.
func TestEveryBatchIsNumbered(t *testing.T) { // B2
	for name, spoil := range map[string]func(*httptest.ResponseRecorder){
		"a collector without the header": func(*httptest.ResponseRecorder) {},
		"a server that counts nothing":   func(w *httptest.ResponseRecorder) { w.Body = bytes.NewBufferString("{}") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter(func(string) bool { return false })
				chance := rand.New(rand.NewPCG(7, 7))
				var mu sync.Mutex
				c.spoil = func(w *httptest.ResponseRecorder, _ bool) {
					mu.Lock()
					defer mu.Unlock()
					if spoil(w); chance.IntN(4) == 0 {
						w.Code = 0 // stored, and nobody knows
					}
				}
				r := open(t, newServer(), "", Config{Backend: c.client(t), BatchEntries: 10, InFlight: 4})
				for range 5 {
					r.logKeys(7, 100)
					r.flush()
				}
				if a := r.Counters(); a.Delivered != 500 || c.nameless != 0 {
					t.Errorf("%d delivered, %d posts without numbers", a.Delivered, c.nameless)
				}
				// The lines of the five rounds are the same.
				if len(c.numbers) != 500 || c.twice != 400 {
					t.Errorf("%d lines are stored under different numbers, want 500", len(c.numbers))
				}
				r.close()
			})
		})
	}
}

// A failure that only a person can fix is reported once, until something is delivered again.
func TestAMisconfigurationIsReportedOnce(t *testing.T) { // A2
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		portal := func(*post) answer {
			return answer{status: 200, body: "<html><title>Hotel Wi-Fi</title>" + fmt.Sprint(rand.Uint64())}
		}
		s.script = portal
		r := open(t, s, dir, Config{})
		r.log(numbered(3)...)
		for range 2 {
			synctest.Wait()
			before := len(r.reported(Failing))
			r.flushes(20)
			failing := r.reported(Failing)[before:]
			if len(failing) != 1 || !strings.Contains(failing[0].Err.Error(), "a web page: Hotel Wi-Fi") {
				t.Errorf("reported is %v", failing)
			}
			if a := r.Counters(); r.Health().Err == nil || a.Pending() == 0 {
				t.Errorf("health %v, %d pending", r.Health().Err, a.Pending())
			}
			s.mu.Lock()
			s.script = nil
			s.mu.Unlock()
			r.flush()
			if n := len(r.reported(Recovered)); n == 0 {
				t.Error("the recovery was not reported")
			}
			s.mu.Lock()
			s.script = portal
			s.mu.Unlock()
			r.log(numbered(3)...)
		}
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		r.close()
	})
}

func TestABackendWhoseRoundTripperBreaksIsCounted(t *testing.T) { // B9
	synctest.Test(t, func(t *testing.T) {
		c := &fakeBackend{}
		c.send = func(context.Context, transport.Batch) error {
			if c.sends <= 2 {
				return errors.Join(transport.ErrRoundTripper)
			}
			return nil
		}
		r := open(t, newServer(), "", Config{Backend: c})
		r.log(numbered(3)...)
		r.flush()
		if a := r.Counters(); a.Panics != 2 || a.Delivered != 3 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}
