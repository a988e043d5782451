package logger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Without a disk and with a server that is down there is never room for the ends: those
// who left something open learn of it.
func TestCloseCountsWhatItLeavesOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const traces = 400
		r := newRig(t, Config{MaxBytes: 200_000}, nil)
		r.sink.setDown(true)
		for i := range traces {
			r.Trace(TraceConfig{ID: fmt.Sprint("t", i)})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := r.Close(ctx)
		if over := time.Since(start) - 10*time.Second; over > 200*time.Millisecond {
			t.Errorf("Close took %v longer than its context", over)
		}
		s := r.Stats()
		if s.LeftOpen != traces || s.AutoEnded != 0 || s.Accepted != traces || s.Dropped != traces || s.Pending != 0 {
			t.Errorf("%v, %d left open, %d ended", s, s.LeftOpen, s.AutoEnded)
		}
		for _, want := range []string{"no time to end 400 open", "400 entries are lost, because with Durability: MemoryOnly nothing is kept on disk"} {
			if !errors.Is(err, ErrNotDelivered) || !strings.Contains(err.Error(), want) {
				t.Errorf("Close = %v, want %q", err, want)
			}
		}
		if got := published(t, r.Var())["left_open"]; got != 400.0 {
			t.Errorf("left_open is %v", got)
		}
	})
}

// The ends of what is open take no more memory than calls may, and all get to the disk.
func TestEndsThatCloseMakesAreBounded(t *testing.T) {
	const traces, limit = 5000, 256 << 10
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "spool"), MaxBytes: limit, MaxWait: time.Minute}, nil)
	r.sink.null = true
	for i := range traces {
		r.Trace(TraceConfig{ID: fmt.Sprint("t", i)})
	}
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		for {
			most = max(most, r.ledger.Read().Bytes)
			select {
			case <-stop:
				peak <- most
				return
			default:
			}
		}
	}()
	r.close()
	close(stop)
	if most := <-peak; most > limit {
		t.Errorf("%d bytes of entries were in memory, the limit is %d", most, limit)
	}
	if s := r.Stats(); s.AutoEnded != traces || s.LeftOpen != 0 || s.Delivered != 2*traces {
		t.Errorf("%v, %d ended, %d left open", s, s.AutoEnded, s.LeftOpen)
	}
}

func TestKeptOrphansAreNotLeftOpen(t *testing.T) {
	r := newRig(t, Config{DisableAutoEnd: true}, nil)
	r.Trace(TraceConfig{})
	r.close()
	if s := r.Stats(); s.LeftOpen != 0 || s.AutoEnded != 0 {
		t.Errorf("%d left open, %d ended, want neither counted", s.LeftOpen, s.AutoEnded)
	}
}

// A context that has ended leaves time for a few ends.
func TestCloseEndsAFewWithAContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "spool")}, nil)
		r.Session(SessionConfig{}).AddTrace(TraceConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = r.Close(ctx) // it may say that it had no time to deliver
		if s := r.Stats(); s.AutoEnded != 2 || s.LeftOpen != 0 || s.Dropped != 0 {
			t.Errorf("%v, %d ended, %d left open; want both ended, nothing dropped", s, s.AutoEnded, s.LeftOpen)
		}
	})
}
