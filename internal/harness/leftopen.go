package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/harness/chaos"
	"github.com/troupelog/troupe/logger"
)

const (
	openLimit = 5 * time.Second // of Close
	// openSlack is the extra time that Close may take with a million open traces, on a busy
	// machine too.
	openSlack = 500 * time.Millisecond
)

// leftOpen closes a logger with n open entities while the server does not answer: the ends
// stay within the bound of memory, Close within its context, and nothing is dropped. The
// next process delivers the logged entries and the ends.
func (t *trial) leftOpen(n int) error {
	_, server, err := t.counting()
	if err != nil {
		return err
	}
	defer server.Down()
	server.Inject(chaos.Mix{chaos.Stall: 1})
	j := job{URL: server.URL(), Spool: filepath.Join(t.dir, "open"), Name: "open", MaxWait: time.Minute, Open: n}
	p, err := t.launch(j)
	if err != nil {
		return err
	}
	end, err := p.closed(openLimit)
	if err != nil {
		p.kill()
		return err
	}
	s := end.Stats
	t.logf("open: Close took %v: %s", end.Took, end.Err)
	t.balanced(end)
	t.atMost("open_over_ms", float64((end.Took - openLimit).Milliseconds()), float64(openSlack.Milliseconds()))
	t.atMost("open_ends_mb", megabytes(end.PeakPending), megabytes(logger.DefaultMaxBytes))
	t.exactly("open_dropped", s.Dropped, 0)
	t.note("open_rss_mb", int(megabytes(end.Usage.PeakRSS)))
	t.note("open_ended", s.AutoEnded)
	t.note("open_left", s.LeftOpen)
	if s.AutoEnded+s.LeftOpen != int64(n) || s.Accepted != int64(n)+s.AutoEnded || s.Rejected > 0 {
		t.miss("%d were begun, %d ended, %d left open; %d accepted, %d rejected", n, s.AutoEnded, s.LeftOpen, s.Accepted, s.Rejected)
	}
	server.Inject(nil)
	j.Name, j.Open, j.FlushInterval = "opennext", 0, 10*time.Millisecond
	next, err := t.deliver(j, drainTime)
	if err == nil {
		t.exactly("open_not_delivered", s.Pending-next.Stats.Delivered, 0)
	}
	return err
}

// closed asks a process to close its logger, and ends it.
func (p *process) closed(limit time.Duration) (report, error) {
	if err := p.awaitReady(); err != nil {
		return report{}, err
	}
	if _, err := p.ask(cmdFinish, drainTime); err != nil {
		return report{}, err
	}
	end, err := p.ask(cmdClose, limit)
	if err != nil {
		return end, err
	}
	return end, p.end()
}

// leaveOpen begins so many entities and ends none: half of them traces of their own, a
// quarter a session and its traces, the others a trace and its spans.
func (w *worker) leaveOpen(n int) {
	session := w.log.Session(logger.SessionConfig{ID: w.job.Name + "s"})
	trace := w.log.Trace(logger.TraceConfig{ID: w.job.Name + "t"})
	for i := range n - 2 {
		switch i % 4 {
		case 0:
			session.AddTrace(logger.TraceConfig{ID: fmt.Sprintf("%sst%d", w.job.Name, i)})
		case 1:
			trace.AddSpan(logger.SpanConfig{ID: fmt.Sprintf("%sa%d", w.job.Name, i)})
		default:
			w.log.Trace(logger.TraceConfig{ID: fmt.Sprintf("%st%d", w.job.Name, i)})
		}
	}
}

// watchPending looks at the memory of entries that are not on disk, until stop is called,
// which returns the most.
func (w *worker) watchPending() (stop func() int64) {
	most, done := int64(0), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			most = max(most, w.log.Stats().PendingBytes)
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	})
	return func() int64 {
		close(done)
		watching.Wait()
		return most
	}
}
