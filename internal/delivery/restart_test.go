package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/transport"
)

// TestRestartsWithFaults ends sinks at random moments, with faults of the server and of
// the storage all the time, and looks whether everything arrives in the end, once. The
// variable DELIVERY_RESTART_ROUNDS makes it longer.
func TestRestartsWithFaults(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := &dice{r: rand.New(rand.NewPCG(seed, 1))}
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("DELIVERY_RESTART_ROUNDS")); err == nil {
		rounds = n
	}
	for range rounds {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { restarts(t, dir, chance) })
	}
}

// dice is a source of chance for several goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand // guarded by mu
}

// IntN returns a number below n.
func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func restarts(t *testing.T, dir string, chance *dice) {
	s := newServer()
	faulty := true
	s.script = func(*post) answer {
		if faulty && chance.IntN(3) == 0 {
			return answer{status: []int{429, 503, 500}[chance.IntN(3)]}
		}
		return answer{}
	}
	s.store = func(string, int) error {
		if faulty && chance.IntN(3) == 0 {
			return &transport.Error{Op: "upload", Kind: transport.Retry}
		}
		return nil
	}
	var logged []string
	for run := range 4 {
		r := open(t, s, dir, Config{Age: time.Second, BatchEntries: 10})
		recovered := r.Counters().Recovered
		for i := range 30 {
			switch name := blobName(100*run + i); chance.IntN(10) {
			case 0:
				r.attach(name, "content")
				logged = append(logged, attachmentLine(name))
			case 1:
				large := largeOf(fmt.Sprintf("%d-%d ", run, i)[:4])
				r.log(large)
				logged = append(logged, large)
			default:
				line := fmt.Sprintf("line %d of %d", i, run)
				r.log(line)
				logged = append(logged, line)
			}
			time.Sleep(time.Duration(chance.IntN(200)) * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(chance.IntN(3000))*time.Millisecond)
		err := r.Close(ctx, chance.IntN(2) == 0)
		cancel()
		a := r.Counters()
		if pending := a.Pending(); a.Appended != 30 || a.Recovered != recovered || (pending > 0) != errors.Is(err, ErrPending) {
			t.Errorf("close: %v, %+v", err, a)
		} else {
			r.ended(pending)
		}
	}
	s.mu.Lock()
	faulty = false
	s.mu.Unlock()
	last := open(t, s, dir, Config{})
	last.flush()
	if a := last.Counters(); a.Dead != 0 {
		t.Errorf("%+v", a)
	}
	last.close()
	arrived := map[string]int{}
	for _, line := range s.expanded(t) {
		arrived[line]++
	}
	for _, line := range logged {
		if arrived[line] != 1 {
			t.Errorf("%.60s arrived %d times", line, arrived[line])
		}
		delete(arrived, line)
	}
	for line := range arrived {
		t.Errorf("%.60s was never logged", strings.TrimSpace(line))
	}
}
