package seglog

import (
	"context"
	"slices"
)

// waiter is a call of Sync or WaitAcked that waits for a sequence number.
type waiter struct {
	seq   uint64
	acked bool       // for the acknowledgement, not for the disk
	done  chan error // capacity 1
}

// Sync waits until every record up to seq is durable, acknowledged or dropped, and asks
// the committer to write at once. While records are kept in memory it waits for their
// acknowledgement. It returns nil, the cause of ctx, or ErrClosed.
func (l *Log) Sync(ctx context.Context, seq uint64) error {
	return l.wait(ctx, &waiter{seq: seq, done: make(chan error, 1)})
}

// WaitAcked waits until every record up to seq is acknowledged or dropped. It returns
// nil, the cause of ctx, or ErrClosed.
func (l *Log) WaitAcked(ctx context.Context, seq uint64) error {
	return l.wait(ctx, &waiter{seq: seq, acked: true, done: make(chan error, 1)})
}

// wait registers w unless its condition holds already, and waits for wake. A waiter that gives
// up removes itself, so that a log without progress does not collect waiters.
func (l *Log) wait(ctx context.Context, w *waiter) error {
	l.mu.Lock()
	w.seq = min(w.seq, l.appended)
	switch {
	case l.reached(w):
		l.mu.Unlock()
		return nil
	case l.closed:
		l.mu.Unlock()
		return ErrClosed
	}
	l.waiters = append(l.waiters, w)
	if !w.acked && w.seq > l.urgent {
		l.urgent = w.seq
		notify(l.kick)
	}
	l.mu.Unlock()

	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.waiters = slices.DeleteFunc(l.waiters, func(o *waiter) bool { return o == w })
	l.mu.Unlock()
	select {
	case err := <-w.done: // it came at the same moment
		return err
	default:
		return context.Cause(ctx)
	}
}

// reached reports whether w's condition holds. Callers must hold mu.
func (l *Log) reached(w *waiter) bool {
	if w.acked {
		return l.acked >= w.seq
	}
	return l.safe() >= w.seq
}

// wake ends the waits that are over; after Close, all of them. Callers must hold mu.
func (l *Log) wake() {
	if len(l.waiters) == 0 {
		return
	}
	safe := l.safe()
	l.waiters = slices.DeleteFunc(l.waiters, func(w *waiter) bool {
		switch {
		case l.acked >= w.seq, !w.acked && safe >= w.seq:
			w.done <- nil
		case l.closed:
			w.done <- ErrClosed
		default:
			return false
		}
		return true
	})
}
