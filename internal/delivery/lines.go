package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

const (
	// minBatchBytes is the smallest limit to which answers of 413 reduce batches.
	minBatchBytes = 64 << 10
	// confirmAfter is the time after which an entry that was rejected alone is tried again.
	confirmAfter = time.Second
	// idle is the wait while no record can become due by its age.
	idle = time.Hour
)

// Failures that the destination itself reports.
var (
	errPanicked = errors.New("delivery: the backend panicked; the batch will be sent again")
	errTooMany  = errors.New("delivery: the server rejects more than a fifth of the entries, " +
		"which looks like a fault of the server; sending pauses for a minute; " +
		"check the version of the server and the base URL")
)

// runLines sends the lines that are due, until ctx ends.
func (d *drainer) runLines(ctx context.Context) {
	for ctx.Err() == nil {
		if wait := d.due(); wait > 0 {
			d.waitForLines(ctx, wait)
			continue
		}
		if !d.sendNext(ctx) {
			d.waitForLines(ctx, time.Second) // lines wait but cannot be read: the disk fails
		}
	}
}

// waitForLines waits until lines may have become due, at most for the given time.
func (d *drainer) waitForLines(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-d.wakeLines:
	case <-d.spool.Lines.Changed():
	}
}

// due returns how long the oldest line may still wait; 0 or less means that it is due. Lines are
// due at once while a flush waits, when they fill a batch, and when the spool is full.
func (d *drainer) due() time.Duration {
	cfg, state := &d.dest.cfg, d.spool.Lines.State()
	switch {
	case state.Unacked == 0:
		return idle
	case d.flushing(), state.Full,
		state.Unacked >= int64(cfg.BatchEntries), state.UnackedBytes >= int64(d.batchSize()):
		return 0
	case cfg.Age < 0:
		return idle
	}
	if d.seen.IsZero() {
		d.seen = time.Now()
	}
	// The wall clock may have been set back; time since seen is measured by the monotonic clock.
	return cfg.Age - max(time.Since(state.Oldest), time.Since(d.seen))
}

// sendNext reads as many lines as may be in flight at once and sends them. It returns false if
// there was nothing to read.
func (d *drainer) sendNext(ctx context.Context) bool {
	log := d.spool.Lines
	d.seen = time.Time{}
	d.catchUp()
	order := d.dest.cfg.Backend.Order()
	entries, bytes := d.dest.cfg.BatchEntries, d.batchSize()
	if n := len(d.senders); n > 1 && order != transport.Unknown {
		entries, bytes = n*entries, n*bytes
		if order == transport.ByArrival {
			// Order keys do not divide evenly, and all wait for a sender that needs two batches.
			entries, bytes = entries*4/5, bytes*4/5
		}
	}
	var err error
	d.records, err = log.Read(d.records[:0], log.Next(), entries, bytes)
	if err != nil || len(d.records) == 0 {
		return false
	}
	if isLarge(&d.records[0]) {
		d.sendLarge(ctx, d.records[0])
		return true
	}
	d.sendAll(ctx, order, d.withoutOutcome(d.records[:runLength(d.records)]))
	return true
}

// runLength returns how many leading records can be sent together: their numbers have no gap, and
// none is large.
func runLength(records []seglog.Record) int {
	records = records[:consecutive(records)]
	for i := range records {
		if isLarge(&records[i]) {
			return i
		}
	}
	return len(records)
}
