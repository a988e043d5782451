package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/transport"
)

// long returns lines of a kilobyte.
func long(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("%06d%s", i, strings.Repeat("x", 994))
	}
	return lines
}

// small makes a spool hold about a megabyte.
func small(c *spool.Config) { c.Log.MaxBytes = 1 << 20 }

// dropping makes a spool drop the oldest beyond about a megabyte.
func dropping(c *spool.Config) {
	small(c)
	c.Log.DropOldest = true
	if c.Dir == "" {
		c.Log.MemoryBytes = 1 << 20
	}
}

func TestEntriesDroppedByTheSpoolAreCountedOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		down := true
		s.script = func(p *post) answer {
			if down {
				return answer{status: 503}
			}
			return answer{}
		}
		r := open(t, s, dir, Config{Age: time.Second, BatchEntries: 300}, dropping)
		lines := long(5000)
		for i := 0; i < len(lines); i += 100 {
			r.log(lines[i : i+100]...)
			time.Sleep(time.Second)
		}
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		r.flush()
		a := r.Counters()
		dropped := total(a.Dropped)
		if dropped == 0 || a.Delivered == 0 || a.Delivered+dropped != 5000 || int(a.Delivered) != len(s.taken()) {
			t.Errorf("%+v, %d arrived", a, len(s.taken()))
		}
		if got := s.taken(); !slices.IsSorted(got) {
			t.Error("the rest arrived out of order")
		}
		if err := r.Close(t.Context(), true); err != nil {
			t.Error(err)
		}
		r.balanced(0)
	})
}

func TestABatchThatIsDroppedOnItsWayIsCountedOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		sent := 0
		c := &fakeBackend{}
		c.send = func(_ context.Context, b transport.Batch) error {
			if c.sends == 1 {
				close(arrived)
				<-release
			}
			sent += b.Lines
			return nil
		}
		r := open(t, newServer(), dir, Config{Backend: c, Age: time.Millisecond, BatchEntries: 300}, dropping)
		lines := long(5000)
		r.log(lines[:300]...)
		<-arrived
		for i := 300; i < len(lines); i += 100 {
			r.log(lines[i : i+100]...)
			time.Sleep(10 * time.Millisecond)
		}
		close(release)
		r.flush()
		if a := r.Counters(); a.Delivered != 5000-total(a.Dropped) || total(a.Dropped) == 0 {
			t.Errorf("%+v, %d sent", a, sent)
		}
		r.close()
	})
}

func TestAFullSpoolIsDeliveredFromMemory(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 503} }
		r := open(t, s, dir, Config{Age: time.Second}, small)
		lines := long(5000)
		r.log(lines...)
		time.Sleep(time.Minute)
		if h := r.Health(); !h.Full || h.Err == nil {
			t.Errorf("%+v", h)
		}
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		r.flush()
		if diff := cmp.Diff(lines, s.taken()); diff != "" {
			t.Error(diff)
		}
		if h := r.Health(); h.Err != nil {
			t.Errorf("afterwards: %+v", h)
		}
		r.close()
	})
}

func TestUploadsOfAFullSpoolAreTriedInPlace(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		down := true
		s.store = func(string, int) error {
			if down {
				return &transport.Error{Op: "upload", Kind: transport.Retry}
			}
			return nil
		}
		r := open(t, s, dir, Config{Age: time.Second}, small)
		for i := range 10 {
			r.log(largeOf(fmt.Sprint(i)), fmt.Sprint("small ", i))
		}
		time.Sleep(5 * time.Minute)
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		r.flush()
		if a := r.Counters(); a.Delivered != 20 || len(s.files) != 10 {
			t.Errorf("%+v, %d files", a, len(s.files))
		}
		r.close()
	})
}
