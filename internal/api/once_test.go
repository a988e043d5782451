package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// resender numbers its lines and sends parts of them again.
type resender struct {
	spool string
	lines []string
}

func newResender(name byte, n int) resender {
	r := resender{spool: fmt.Sprintf("%032x", name)}
	for i := range n {
		r.lines = append(r.lines, fmt.Sprintf("trace{id=%c%d,action=create,data={}}", name, i+1))
	}
	return r
}

// send posts the lines from first to end, counted from 1, and returns how many were
// new.
func (r resender) send(s *server, first, end int) int {
	s.Helper()
	got := s.post("r", strings.Join(r.lines[first-1:end], "\n"), protocol.HeaderProducer, r.spool, protocol.HeaderSeq, fmt.Sprint(first))
	if got.Refused != 0 || got.Accepted+got.Duplicates != end-first+1 {
		s.Errorf("lines %d to %d: %+v", first, end, got)
	}
	return got.Accepted
}

// Batches come again whole, in halves, cut in another way, and in another order, those
// of several senders between one another, and with restarts of the collector.
func TestLinesSentAgainAreStoredOnce(t *testing.T) {
	const lines = 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	senders := []resender{newResender('a', lines), newResender('b', lines), newResender('c', lines)}
	dir := t.TempDir()
	stored := 0
	for range 4 {
		restarted(t, dir, func(s *server) {
			for range 40 {
				r := senders[random.IntN(len(senders))]
				first := 1 + random.IntN(lines)
				end := first + random.IntN(lines-first+1)
				middle := (first + end) / 2
				stored += r.send(s, first, end)
				if again := r.send(s, first, middle) + r.send(s, middle, end) + r.send(s, first, end); again != 0 {
					t.Errorf("lines %d to %d: %d of those sent again were stored", first, end, again)
				}
			}
		})
	}
	restarted(t, dir, func(s *server) {
		var want []string
		for _, r := range senders {
			stored += r.send(s, 1, lines)
			want = append(want, r.lines...)
		}
		got := s.lines("r")
		slices.Sort(got)
		slices.Sort(want)
		equal(t, want, got)
		equal(t, len(want), stored)
	})
}

// restarted lets fn use a collector over a folder, and closes it.
func restarted(t *testing.T, dir string, fn func(*server)) {
	t.Helper()
	c, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(c)
	fn(&server{t, c, h.URL, ""})
	h.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
