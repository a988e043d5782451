package logger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func nan() float64 { return math.NaN() }

// refusing stands for a machine where no server runs.
var refusing = transportFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })

// waited returns a context that ends as soon as a delivery has failed.
func waited(t *testing.T, told <-chan struct{}) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-told; cancel() }()
	return ctx
}

// Without a server the errors of Flush and Close say how many entries there are, and where
// they are kept or that they are lost.
func TestWithoutAServerErrorsSayWhereEntriesAre(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	for name, test := range map[string]struct {
		c            Config
		flush, close string
		kept         bool
	}{
		"on disk": {
			Config{SpoolDir: dir}, "2 entries are kept in " + dir + ", also if the program ends; sending continues",
			"2 entries are kept in " + dir + " and will be delivered by the next run", true,
		},
		"in memory": {
			Config{Durability: MemoryOnly}, "2 entries are in memory only, and lost if the program ends before they are delivered",
			"2 entries are lost, because with Durability: MemoryOnly nothing is kept on disk", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan struct{})
			c := test.c
			c.ID, c.BaseURL, c.Transport, c.ManualFlush = "r", "http://127.0.0.1:9", refusing, true
			failing := make(chan error, 100)
			c.OnError = func(err error) {
				if errors.Is(err, ErrDelivery) && len(failing) == 0 {
					failing <- err
					close(told)
				}
			}
			l, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			l.Trace(TraceConfig{ID: "t"}).End()
			ctx := waited(t, told)
			var e *Error
			if err := l.Flush(ctx); !errors.As(err, &e) || !strings.Contains(err.Error(), test.flush) || e.Entries != 2 || !e.Kept || !errors.Is(err, ErrNotDelivered) {
				t.Errorf("Flush = %v, want %q", err, test.flush)
			}
			err = l.Close(ctx)
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.close) || e.Entries != 2 || e.Kept != test.kept || !errors.Is(err, ErrNotDelivered) {
				t.Errorf("Close = %v, want %q", err, test.close)
			}
			if !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("Close = %v does not say why", err)
			}
			want := "until then entries are kept in memory"
			if test.kept {
				want = "until then entries are kept in " + dir
			}
			if err := <-failing; !strings.Contains(err.Error(), want) {
				t.Errorf("OnError got %v, want %q", err, want)
			}
		})
	}
}

// The pending entries of another destination are not those of the primary one.
func TestCloseNamesDestinationWithPendingEntries(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	r := newRig(t, Config{}, nil)
	if err := r.AddDestination(Destination{ID: "copy", BaseURL: "http://127.0.0.1:9", Transport: refusing, SpoolDir: dir, ManualFlush: true}); err != nil {
		t.Fatal(err)
	}
	r.Trace(TraceConfig{ID: "t"}).End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var e *Error
	err := r.Close(ctx)
	want := fmt.Sprintf(`2 entries of the destination "copy" are kept in %s and will be delivered by the next run`, dir)
	if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
		t.Errorf("Close = %v, want %q", err, want)
	}
}

// A Flush that ends too early leaves it to the next one to say what was dropped.
func TestAFlushInVainDoesNotHideWhatWasDropped(t *testing.T) {
	r := newRig(t, Config{MaxBytes: 64 << 10, OnFull: FullDropOldest}, nil)
	r.sink.setDown(true)
	for range 2000 {
		r.Trace(TraceConfig{}).SetInput(strings.Repeat("x", 200))
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Flush(over); !errors.Is(err, ErrNotDelivered) {
		t.Errorf("Flush with a context that has ended = %v", err)
	}
	r.sink.setDown(false)
	var e *Error
	if err := r.Flush(t.Context()); !errors.As(err, &e) || !errors.Is(err, ErrDropped) || int64(e.Entries) != r.Stats().Dropped || e.Entries == 0 {
		t.Errorf("Flush = %v with %d dropped", err, r.Stats().Dropped)
	}
	r.close()
}

// What waits in memory because the spool is full is not said to be on disk, and Close says
// why it is lost.
func TestAFullSpoolIsSaidToBeTheCause(t *testing.T) {
	r := newRig(t, Config{SpoolDir: filepath.Join(t.TempDir(), "spool"), MaxSpoolBytes: 1 << 20, MaxWait: -1}, nil)
	r.sink.setDown(true)
	for !r.Health().Full {
		r.Trace(TraceConfig{}).SetInput(strings.Repeat("x", 1000))
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Flush(over); err == nil || !strings.Contains(err.Error(), "in memory only, and lost if the program ends") {
		t.Errorf("Flush = %v", err)
	}
	err := r.Logger.Close(over)
	if err == nil || !strings.Contains(err.Error(), "the spool was full: free disk space, or raise Config.MaxSpoolBytes") {
		t.Errorf("Close = %v", err)
	}
}
