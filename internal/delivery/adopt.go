package delivery

import (
	"context"
	"sync"
	"time"
)

// adoptEvery is the interval at which a destination looks for ownerless slots.
const adoptEvery = 5 * time.Second

// runAdopter empties ownerless slots, one after the other, until ctx ends. It takes one only
// while deliveries from its own slot succeed: entries of dead processes must not queue up behind
// a server that is down.
func (s *Destination) runAdopter(ctx context.Context) {
	if inMemory(s.cfg.Spool) {
		return
	}
	for ctx.Err() == nil {
		if s.throttle.last() != nil || !s.adoptOne(ctx) {
			sleep(ctx, adoptEvery, nil)
		}
	}
}

// adoptOne empties an ownerless slot, and returns false if there is none.
func (s *Destination) adoptOne(ctx context.Context) bool {
	slot, err := s.cfg.Spool.TakeOwnerless()
	if err != nil || slot == nil {
		return false // the spool has reported an error of its folder
	}
	d := newDrainer(s, slot)
	d.urgent = true
	n := d.countRecovered()
	s.mu.Lock()
	s.ownerless = d
	s.counters.Recovered += n
	s.mu.Unlock()
	s.report(Event{Kind: Adopted, Entries: int(n)})
	d.drain(ctx)
	end, stop := WithGrace(ctx, closeGrace/2)
	_ = slot.Close(end) // entries whose acknowledgement is not on disk are found again
	stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownerless = nil
	s.counters.DeadDropped += slot.DeadDropped()
	lines, uploads := slot.Lines.State(), slot.Uploads.State()
	for _, dropped := range []map[string]int64{lines.Dropped, uploads.Dropped} {
		for reason, n := range dropped {
			s.counters.Dropped[reason] += n
		}
	}
	return true
}

// drain delivers everything in the slot, until ctx ends.
func (d *drainer) drain(ctx context.Context) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var goroutines sync.WaitGroup
	goroutines.Go(func() { d.runLines(running) })
	goroutines.Go(func() { d.runUploads(running) })
	_ = d.waitDrained(ctx) // it fails only when ctx ends
	cancel()
	goroutines.Wait()
	if len(d.done) > 0 {
		sleep(ctx, blobGrace, nil)
		d.removeDone(blobGrace)
	}
}
