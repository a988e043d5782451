package delivery

import (
	"context"
	"sync"
	"time"
)

// adoptEvery is how often the sink looks for what processes that died have left.
const adoptEvery = 5 * time.Second

// adopt delivers orphans, one after the other, until ctx ends. It takes one only while
// the sink's own deliveries work.
func (s *Sink) adopt(ctx context.Context) {
	if inMemory(s.cfg.Spool) {
		return
	}
	for ctx.Err() == nil {
		if s.gate.last() != nil || !s.adoptOne(ctx) {
			sleep(ctx, adoptEvery, nil)
		}
	}
}

// adoptOne empties an orphan, and returns false if there is none.
func (s *Sink) adoptOne(ctx context.Context) bool {
	orphan, err := s.cfg.Spool.Orphan()
	if err != nil || orphan == nil {
		return false // an error is one of the folder, which the spool has reported
	}
	l := newLane(s, orphan)
	l.urgent = true
	n := l.found()
	s.mu.Lock()
	s.orphan = l
	s.account.Recovered += n
	s.mu.Unlock()
	s.report(Event{Kind: Adopted, Entries: int(n)})
	l.empty(ctx)
	end, stop := Longer(ctx, closeGrace/2)
	_ = orphan.Close(end) // what is not acknowledged on disk is found again
	stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orphan = nil
	s.account.DeadDropped += orphan.DeadDropped()
	lines, uploads := orphan.Lines.State(), orphan.Uploads.State()
	for _, dropped := range []map[string]int64{lines.Dropped, uploads.Dropped} {
		for reason, n := range dropped {
			s.account.Dropped[reason] += n
		}
	}
	return true
}

// empty delivers what is in the lane, until ctx ends.
func (l *lane) empty(ctx context.Context) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var lanes sync.WaitGroup
	lanes.Go(func() { l.runLines(running) })
	lanes.Go(func() { l.runUploads(running) })
	_ = l.drained(ctx) // an error is the end of ctx
	cancel()
	lanes.Wait()
	if len(l.spent) > 0 {
		sleep(ctx, blobGrace, nil)
		l.sweep(blobGrace)
	}
}
