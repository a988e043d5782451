package actors

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/messages"
)

// delivery is the sender goroutine: it takes a batch when one is due, sends it
// until it has an outcome, and tells the writer. One batch is in flight at a time,
// so entries arrive in the order of the queue.
type delivery struct {
	sys   *System
	eager atomic.Int64  // flushes that wait
	nudge chan struct{} // capacity 1; signalled by hurry
	fail  atomic.Pointer[error]

	batch   []messages.Entry // owned by run
	attempt int              // owned by run; failures since the last success
}

func newDelivery(s *System) *delivery {
	return &delivery{sys: s, nudge: make(chan struct{}, 1)}
}

// hurry makes the sender send what is there at once while the count is positive.
func (d *delivery) hurry(n int64) {
	if d.eager.Add(n); n < 0 {
		return
	}
	select {
	case d.nudge <- struct{}{}:
	default:
	}
}

func (d *delivery) lastError() error {
	if err := d.fail.Load(); err != nil {
		return *err
	}
	return nil
}

// run ends when ctx ends; what is in the queue then stays there.
func (d *delivery) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	cfg := &d.sys.cfg
	for ctx.Err() == nil {
		wait, due := d.due()
		if due {
			d.batch = cfg.Queue.Take(d.batch[:0], cfg.BatchEntries, cfg.BatchBytes)
			d.send(ctx, d.batch)
			clear(d.batch)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-cfg.Queue.Changed():
		case <-d.nudge:
		case <-timer.C:
		}
	}
}

// due reports whether a batch is to be sent now, and otherwise how long the oldest
// entry can wait.
func (d *delivery) due() (wait time.Duration, now bool) {
	cfg := &d.sys.cfg
	entries, bytes, oldest := cfg.Queue.Waiting()
	switch {
	case entries == 0:
		return time.Hour, false
	case d.eager.Load() > 0, entries >= cfg.BatchEntries, bytes >= cfg.BatchBytes, cfg.Ledger.Filling():
		return 0, true
	case cfg.BatchAge < 0:
		return time.Hour, false
	}
	wait = cfg.BatchAge - time.Since(oldest)
	return wait, wait <= 0
}

// send delivers entries, in halves where the server refuses them together, until
// each has an outcome or ctx ends.
func (d *delivery) send(ctx context.Context, entries []messages.Entry) {
	for {
		v := d.attemptOnce(ctx, entries)
		if ctx.Err() != nil && v.Outcome != Delivered {
			return
		}
		switch v.Outcome {
		case Delivered:
			d.succeeded()
			d.settle(len(entries), true, nil)
			return
		case Refused:
			if half := len(entries) / 2; half > 0 {
				d.send(ctx, entries[:half])
				if ctx.Err() == nil { // else what is left keeps its place in the queue
					d.send(ctx, entries[half:])
				}
				return
			}
			d.sys.report(Event{Kind: Dead, Entries: 1, Err: v.Err})
			d.settle(1, false, v.Err)
			return
		case Again:
			d.attempt++
			d.fail.Store(&v.Err)
			d.sys.report(Event{Kind: Failing, Entries: len(entries), Err: v.Err})
			if !d.pause(ctx, v.Wait) {
				return
			}
		}
	}
}

func (d *delivery) succeeded() {
	if d.attempt > 0 {
		d.attempt = 0
		d.fail.Store(nil)
		d.sys.report(Event{Kind: Recovered})
	}
}

func (d *delivery) settle(n int, delivered bool, err error) {
	m := &messages.Settled{Entries: n, Delivered: delivered}
	if err != nil {
		m.Reason = err.Error()
	}
	d.sys.sup.Send(d.sys.writer, m)
}

// afterPanic is the wait after a Sender panicked.
const afterPanic = time.Second

// attemptOnce calls the Sender. It runs the user's HTTP transport, which may panic.
func (d *delivery) attemptOnce(ctx context.Context, entries []messages.Entry) (v Verdict) {
	defer func() {
		if r := recover(); r != nil {
			d.sys.panics.Add(1)
			v = Verdict{Outcome: Again, Wait: afterPanic, Err: errSenderPanicked}
		}
	}()
	select {
	case <-d.nudge: // this attempt is the one that was asked for
	default:
	}
	return d.sys.cfg.Sender.Send(ctx, entries, d.attempt)
}

// pause waits before the next attempt. A flush or Close that begins meanwhile cuts
// it short, once: the server may be back. It returns false when ctx ended first.
func (d *delivery) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.nudge:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
