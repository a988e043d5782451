package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

const (
	// minBatchBytes is how small answers of 413 make the batches.
	minBatchBytes = 64 << 10
	// confirmAfter is how long an entry that was refused alone waits for its second try.
	confirmAfter = time.Second
	// unburied is the reason under which refused entries are counted that could not be
	// stored as dead letters.
	unburied = "dead letter not stored"
	// idle is how long to wait where no time can make a record due.
	idle = time.Hour
)

var (
	errPanicked = errors.New("delivery: the client panicked; the batch is sent again")
	errTooMany  = errors.New("delivery: the server refuses more than a fifth of the entries, so that is taken for a fault of the server; check its version and the base URL")
)

// runLines sends what is due until ctx ends.
func (l *lane) runLines(ctx context.Context) {
	for ctx.Err() == nil {
		if wait := l.due(); wait > 0 {
			l.rest(ctx, wait)
			continue
		}
		if !l.batch(ctx) {
			l.rest(ctx, time.Second) // nothing can be read though something waits
		}
	}
}

// rest waits until something may have become due.
func (l *lane) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-l.wakeLines:
	case <-l.spool.Lines.Changed():
	}
}

// due returns how long the oldest line can wait yet.
func (l *lane) due() time.Duration {
	cfg, state := &l.sink.cfg, l.spool.Lines.State()
	switch {
	case state.Unacked == 0:
		return idle
	case l.eager(), state.Full, state.Unacked >= int64(cfg.BatchEntries), state.UnackedBytes >= int64(l.size()):
		return 0
	case cfg.Age < 0:
		return idle
	}
	if l.seen.IsZero() {
		l.seen = time.Now()
	}
	// The clock may have been set back since; the time in this process goes on.
	return cfg.Age - max(time.Since(state.Oldest), time.Since(l.seen))
}

// batch reads as many lines as may be under way at once and sees them through. It returns
// false if there was nothing to read.
func (l *lane) batch(ctx context.Context) bool {
	log := l.spool.Lines
	l.seen = time.Time{}
	l.catchUp()
	order := l.sink.cfg.Backend.Order()
	entries, bytes := l.sink.cfg.BatchEntries, l.size()
	if n := len(l.flights); n > 1 && order != transport.Unknown {
		entries, bytes = n*entries, n*bytes
		if order == transport.ByArrival {
			// Lanes do not divide evenly, and a flight that takes more than a batch is late.
			entries, bytes = entries*4/5, bytes*4/5
		}
	}
	var err error
	l.records, err = log.Read(l.records[:0], log.Next(), entries, bytes)
	if err != nil || len(l.records) == 0 {
		return false
	}
	if isLarge(&l.records[0]) {
		l.sendLarge(ctx, l.records[0])
		return true
	}
	l.fly(ctx, order, l.unsettled(l.records[:run(l.records)]))
	return true
}

// run returns how many of the records go together: they follow each other without a
// gap, and none is large.
func run(records []seglog.Record) int {
	records = records[:consecutive(records)]
	for i := range records {
		if isLarge(&records[i]) {
			return i
		}
	}
	return len(records)
}
