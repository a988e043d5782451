package main

import (
	"errors"
	"flag"
	"io"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/troupelog/troupe/logger"
)

const sessionEntries = 1_000_000

// sessions keeps many sessions live, logs to all of them, and ends them (R16). The
// server is one in this process that reads requests and keeps nothing, so that what is
// measured is the logger.
func sessions(fs *flag.FlagSet) func(*trial) error {
	n := fs.Int("n", 100_000, "how many `sessions` are live")
	return func(t *trial) error {
		log, err := logger.New(logger.Config{
			ID: "harness", BaseURL: "http://127.0.0.1", SpoolDir: t.dir, Transport: swallow{}, MaxWait: time.Minute,
		})
		if err != nil {
			return err
		}
		return errors.Join(t.live(log, *n), log.Close(t.ctx))
	}
}

func (t *trial) live(log *logger.Logger, n int) error {
	all := make([]*logger.Session, n)
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
