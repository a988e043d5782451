package main

import (
	"errors"
	"flag"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/troupelog/troupe/logger"
)

const sessionEntries = 1_000_000

// sessions keeps many sessions live, logs to all of them, and ends them (R16). The
// server is one in this process that reads requests and keeps nothing, so that
// only the logger is measured.
func sessions(fs *flag.FlagSet) func(*trial) error {
	n := fs.Int("n", 100_000, "how many `sessions` are live")
	return func(t *trial) error {
		log, err := logger.New(logger.Config{
			ID: "harness", BaseURL: "http://127.0.0.1", SpoolDir: t.dir, Transport: swallow{}, MaxWait: time.Minute,
		})
		if err != nil {
			return err
		}
		return errors.Join(t.live(log, *n), log.Close(t.ctx), t.passive(*n))
	}
}

// passive leaves sessions alone until only a record of each is kept, and notes the heap
// that it takes. It does so twice: the memory that the first ones left, buffers and the
// capacity of maps for as many live ones, is not taken again by the second.
func (t *trial) passive(n int) error {
	log, err := logger.New(logger.Config{
		ID: "harness-passive", BaseURL: "http://127.0.0.1", SpoolDir: t.dir, Transport: swallow{}, MaxWait: time.Minute, IdleAfter: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	var sizes [2]int64
	for round := range sizes {
		for range n {
			log.Session(logger.SessionConfig{})
		}
		if err := log.Flush(t.ctx); err != nil {
			return err
		}
		for log.Stats().Passive < int64((round+1)*n) {
			if err := pause(t.ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
		sizes[round] = heap()
	}
	t.atMost("passive_bytes", float64(sizes[1]-sizes[0])/float64(n), 300)
	return log.Close(t.ctx)
}

// heap returns the bytes that are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC() // a second time for objects that the first one found in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (t *trial) live(log *logger.Logger, n int) error {
	all := make([]logger.Session, n)
	start := time.Now()
	for i := range all {
		all[i] = log.Session(logger.SessionConfig{Name: "session"})
	}
	t.within("create", time.Since(start), 2*time.Second)
	if err := log.Flush(t.ctx); err != nil {
		return err
	}
	runtime.GC()
	t.note("live", log.Stats().Live)
	t.note("rss_at_once_mb", int(megabytes(ownUsage().RSS)))
	debug.FreeOSMemory() // the runtime does it by itself, over minutes
	t.atMost("rss_mb", megabytes(ownUsage().RSS), 200)

	start = time.Now()
	for i := range sessionEntries {
		all[i%n].AddTag("key", "value")
	}
	if err := log.Flush(t.ctx); err != nil {
		return err
	}
	took := time.Since(start)
	t.fastEnough("entries_per_s", sessionEntries/took.Seconds(), 200_000)
	t.note("rss_after_mb", int(megabytes(ownUsage().RSS)))

	start = time.Now()
	for _, session := range all {
		session.End()
	}
	if err := log.Flush(t.ctx); err != nil {
		return err
	}
	t.within("end", time.Since(start), 5*time.Second)
	s := log.Stats()
	t.exactly("accepted", s.Accepted, int64(2*n+sessionEntries))
	t.exactly("delivered", s.Delivered, s.Accepted)
	return nil
}

// swallow is a connection to a server that takes everything.
type swallow struct{}

// RoundTrip implements http.RoundTripper.
func (swallow) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"data":{}}`)), Request: r,
	}, nil
}
