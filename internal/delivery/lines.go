package delivery

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/spool"
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
	case l.eager(), state.Full, state.Unacked >= int64(cfg.BatchEntries), state.UnackedBytes >= int64(l.limit):
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

// batch reads a batch and sees it through. It returns false if there was nothing to
// read.
func (l *lane) batch(ctx context.Context) bool {
	log := l.spool.Lines
	l.seen = time.Time{}
	var err error
	l.records, err = log.Read(l.records[:0], log.Next(), l.sink.cfg.BatchEntries, l.limit)
	if err != nil || len(l.records) == 0 {
		return false
	}
	if isLarge(&l.records[0]) {
		l.sendLarge(ctx, l.records[0])
	} else {
		l.settle(ctx, l.records[:run(l.records)], nil)
	}
	return true
}

// run returns how many of the records go together: they follow each other without a
// gap, and none is large.
func run(records []seglog.Record) int {
	n := 1
	for n < len(records) && records[n].Seq == records[n-1].Seq+1 && !isLarge(&records[n]) {
		n++
	}
	return n
}

// settle gives all records an outcome, in their order. It returns how many of them
// became dead letters, and false if it stopped halfway: because ctx ended, or because
// the records have to be read again. Suspicion is not nil if the records are known to
// hold one that the server refuses; then they are not sent together.
func (l *lane) settle(ctx context.Context, records []seglog.Record, suspicion error) (dead int, ok bool) {
	refusal := suspicion
	if refusal == nil || len(records) == 1 {
		if ok, refusal = l.send(ctx, records); !ok {
			return 0, false
		}
	}
	switch {
	case refusal == nil:
		l.delivered(records)
		return 0, true
	case len(records) == 1:
		return l.condemn(ctx, records[0])
	}
	half := len(records) / 2
	if dead, ok = l.settle(ctx, records[:half], nil); !ok {
		return dead, false
	}
	// A half that is good leaves the other to blame, unless it was only the size.
	if suspicion = nil; dead == 0 && (remedyFor(refusal) == divide || size(records) <= minBatchBytes) {
		suspicion = refusal
	}
	more, ok := l.settle(ctx, records[half:], suspicion)
	return dead + more, ok
}

// size returns how long the records are, with their newlines.
func size(records []seglog.Record) int {
	n := len(records)
	for i := range records {
		n += len(records[i].Data)
	}
	return n
}

// condemn sees to a record that was refused alone: when it is refused again, it
// becomes a dead letter.
func (l *lane) condemn(ctx context.Context, r seglog.Record) (dead int, ok bool) {
	if sleep(ctx, confirmAfter, nil); ctx.Err() != nil {
		return 0, false
	}
	one := []seglog.Record{r}
	ok, refusal := l.send(ctx, one)
	switch {
	case !ok:
		return 0, false
	case refusal == nil:
		l.delivered(one)
		return 0, true
	case !l.sink.breaker.condemn():
		l.sink.failing(len(l.records), errTooMany)
		l.sink.gate.hold(errTooMany, suspend)
		return 0, false
	}
	l.bury(l.spool.Lines, r, refusal)
	return 1, true
}

// bury makes a record a dead letter. One that cannot be stored is dropped: the server
// does not want it, and it must not hold up the others.
func (l *lane) bury(log *seglog.Log, r seglog.Record, cause error) {
	err := l.spool.Dead(spool.Letter{
		Origin: r.Origin, Seq: r.Seq, Kind: r.Kind, Status: statusOf(cause), Reason: cause.Error(), Data: r.Data,
	})
	if err != nil {
		l.acknowledge(log, r.Seq, func(a *Account, n int64) { a.Dropped[unburied] += n })
		l.sink.report(Event{Kind: Dropped, Entries: 1, Reason: unburied, Err: errors.Join(cause, err)})
		return
	}
	l.acknowledge(log, r.Seq, func(a *Account, n int64) { a.Dead += n })
	l.sink.report(Event{Kind: Dead, Entries: 1, Err: cause})
}

// delivered notes that the server has the records.
func (l *lane) delivered(records []seglog.Record) {
	l.acknowledge(l.spool.Lines, records[len(records)-1].Seq, func(a *Account, n int64) { a.Delivered += n })
	l.sink.breaker.delivered(len(records))
}

// send posts records until the server takes them, which is no error, or refuses them.
// It returns false if ctx ended, or if the oldest was dropped meanwhile.
func (l *lane) send(ctx context.Context, records []seglog.Record) (ok bool, refusal error) {
	for {
		if !l.sink.gate.enter(ctx) {
			return false, nil
		}
		if l.spool.Lines.Next() > records[0].Seq {
			l.sink.gate.leave()
			return false, nil
		}
		err := l.post(ctx, records)
		r := remedyFor(err)
		l.sink.passed(ctx, len(records), r, err)
		l.sink.gate.leave()
		switch r {
		case settled:
			l.limit = min(l.limit+l.limit/8, l.sink.cfg.BatchBytes)
			return true, nil
		case shrink:
			if len(records) > 1 {
				l.limit = min(l.limit, max(minBatchBytes, len(l.body)/2))
			}
			return true, err
		case divide:
			return true, err
		}
	}
}

// passed notes the outcome of an attempt that went through the gate.
func (s *Sink) passed(ctx context.Context, entries int, r remedy, err error) {
	switch {
	case r == again || r == suspend:
		if ctx.Err() == nil {
			s.gate.hold(err, r)
			s.failing(entries, err)
		}
	case s.gate.clear():
		s.report(Event{Kind: Recovered})
	}
}

func (s *Sink) failing(entries int, err error) {
	s.report(Event{Kind: Failing, Entries: entries, Err: err})
}

// post makes one attempt.
func (l *lane) post(ctx context.Context, records []seglog.Record) error {
	l.body = l.body[:0]
	for i := range records {
		if i > 0 {
			l.body = append(l.body, '\n')
		}
		l.body = append(l.body, records[i].Data...)
	}
	b := transport.Batch{
		Body: l.body, Lines: len(records), Spool: hex.EncodeToString(records[0].Origin[:]), First: records[0].Seq,
	}
	l.sending.begin()
	defer l.sending.end()
	return l.sink.contained(func(c Client) error { return c.Send(ctx, b) })
}

// contained calls the Client, which may panic.
func (s *Sink) contained(call func(Client) error) (err error) {
	defer func() {
		if recover() != nil {
			s.panics.Add(1)
			err = errPanicked
		}
	}()
	return call(s.cfg.Client)
}
