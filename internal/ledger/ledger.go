// Package ledger keeps the account of every accepted entry:
//
//	accepted = delivered + pending + dead + dropped
//
// It is the only place of back-pressure: it admits bytes up to a limit and makes
// callers wait, for a bounded time, for room. It also counts flush epochs: a
// barrier closes the current epoch and waits until all entries admitted in it and
// before it have been settled, so that it cannot overtake data.
//
// All methods may be called concurrently.
package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Reasons why a call was not admitted.
var (
	// ErrClosed is returned by Admit after Close.
	ErrClosed = errors.New("ledger: closed")
	// ErrFull is returned by Admit when no room came free in time.
	ErrFull = errors.New("ledger: no room within the allowed time")
	// ErrTooLarge is returned by Admit for an entry over the whole limit.
	ErrTooLarge = errors.New("ledger: entry is larger than the limit")
	// ErrDropped is returned by a barrier when entries before it were given up.
	ErrDropped = errors.New("ledger: entries were dropped")
)

// EntryOverhead is charged for each entry beside its bytes: what a command, its
// queue slots and its bookkeeping cost in memory, in bytes.
const EntryOverhead = 256

// Outcome is how an accepted entry left the logger.
type Outcome uint8

// The outcomes.
const (
	Delivered Outcome = iota // the server acknowledged it
	Dead                     // the server refused it for good
	Dropped                  // given up, with a reason
)

// Ledger is the account. Make one with New.
type Ledger struct {
	limit int64

	bytes     atomic.Int64 // admitted and not settled
	accepted  atomic.Int64
	delivered atomic.Int64
	dead      atomic.Int64
	dropped   atomic.Int64
	quarantin atomic.Int64

	// stuck is set when a caller waited in vain and cleared by the next settlement:
	// while nothing moves, one caller has waited for all.
	stuck atomic.Bool

	current atomic.Pointer[epoch] // nil after Close

	mu     sync.Mutex
	open   []*epoch         // guarded by mu; oldest first; the last is current
	room   chan struct{}    // guarded by mu; closed when bytes were given back
	waits  int              // guarded by mu; callers waiting for room
	causes map[string]int64 // guarded by mu; dropped entries by reason
}

// epoch counts the entries admitted between two barriers.
type epoch struct {
	number uint64
	// left is the number of unsettled entries plus one while the epoch is current;
	// it never leaves zero again.
	left    atomic.Int64
	done    chan struct{} // closed when left reaches zero
	dropped atomic.Bool   // an entry of it was given up
}

func newEpoch(n uint64) *epoch {
	e := &epoch{number: n, done: make(chan struct{})}
	e.left.Store(1)
	return e
}

// enter adds an entry unless the epoch is over.
func (e *epoch) enter() bool {
	for {
		n := e.left.Load()
		if n == 0 {
			return false
		}
		if e.left.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (e *epoch) leave(n int64) {
	if e.left.Add(-n) == 0 {
		close(e.done)
	}
}

// New returns a ledger that admits up to limit bytes.
func New(limit int64) *Ledger {
	l := &Ledger{limit: limit, room: make(chan struct{}), causes: map[string]int64{}}
	e := newEpoch(1)
	l.open = []*epoch{e}
	l.current.Store(e)
	return l
}

// Admit accepts one entry of size bytes and returns the epoch it belongs to. It
// waits up to wait for room. It fails with ErrClosed, ErrFull or ErrTooLarge, and
// then nothing is accounted.
func (l *Ledger) Admit(size int, wait time.Duration) (uint64, error) {
	if l.current.Load() == nil {
		return 0, ErrClosed
	}
	cost := int64(size) + EntryOverhead
	if cost > l.limit {
		return 0, ErrTooLarge
	}
	if !l.take(cost) {
		if err := l.waitForRoom(cost, wait); err != nil {
			return 0, err
		}
	}
	n, ok := l.enter()
	if !ok {
		l.release(cost)
		return 0, ErrClosed
	}
	return n, nil
}

// AdmitOwn accepts an entry that the logger itself makes (the end of an orphan).
// It neither waits nor fails for want of room, and works while Close drains.
func (l *Ledger) AdmitOwn(size int) uint64 {
	l.bytes.Add(int64(size) + EntryOverhead)
	if n, ok := l.enter(); ok {
		return n
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := newEpoch(l.open[len(l.open)-1].number + 1)
	l.open = append(l.open, e)
	l.accepted.Add(1)
	return e.number
}

// take reserves bytes if there is room for them.
func (l *Ledger) take(cost int64) bool {
	for {
		used := l.bytes.Load()
		if used+cost > l.limit {
			return false
		}
		if l.bytes.CompareAndSwap(used, used+cost) {
			return true
		}
	}
}

// Filling reports whether half of the limit is in use: time to send what there is.
func (l *Ledger) Filling() bool { return l.bytes.Load() > l.limit/2 }

// enter joins the current epoch.
func (l *Ledger) enter() (uint64, bool) {
	for {
		e := l.current.Load()
		if e == nil {
			return 0, false
		}
		if e.enter() {
			l.accepted.Add(1)
			return e.number, true
		}
	}
}

func (l *Ledger) waitForRoom(cost int64, wait time.Duration) error {
	if wait <= 0 || l.stuck.Load() {
		return ErrFull
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		l.mu.Lock()
		room := l.room
		l.waits++
		l.mu.Unlock()
		granted := l.take(cost)
		expired := false
		if !granted {
			select {
			case <-room:
			case <-timer.C:
				expired = true
			}
		}
		l.mu.Lock()
		l.waits--
		l.mu.Unlock()
		switch {
		case granted:
			return nil
		case expired:
			l.stuck.Store(true)
			return ErrFull
		}
	}
}

// release gives bytes back and wakes the callers that wait for them.
func (l *Ledger) release(n int64) {
	l.bytes.Add(-n)
	l.stuck.Store(false)
	l.mu.Lock()
	if l.waits > 0 {
		close(l.room)
		l.room = make(chan struct{})
	}
	l.mu.Unlock()
}

// Settle accounts for entries of one epoch that left with the same outcome: count
// entries of size bytes together. Reason names why entries were dropped.
func (l *Ledger) Settle(o Outcome, reason string, epochNumber uint64, count, size int) {
	if count == 0 {
		return
	}
	n := int64(count)
	switch o {
	case Delivered:
		l.delivered.Add(n)
	case Dead:
		l.dead.Add(n)
	case Dropped:
		l.dropped.Add(n)
	}
	l.mu.Lock()
	if o == Dropped {
		l.causes[reason] += n
	}
	var e *epoch
	for _, o := range l.open {
		if o.number == epochNumber {
			e = o
			break
		}
	}
	l.mu.Unlock()
	l.release(int64(size) + n*EntryOverhead)
	if e != nil {
		if o == Dropped {
			e.dropped.Store(true)
		}
		e.leave(n)
	}
}

// Quarantine counts an entry that was emitted by the supervisor.
func (l *Ledger) Quarantine() { l.quarantin.Add(1) }

// Barrier closes the current epoch and returns a function that waits until every
// entry admitted before the call has been settled, or ctx ends.
func (l *Ledger) Barrier() func(ctx context.Context) error {
	return l.barrier()
}

// Close refuses further calls of Admit and returns a barrier behind the last
// admitted entry. AdmitOwn still works.
func (l *Ledger) Close() func(ctx context.Context) error {
	l.mu.Lock()
	if e := l.current.Swap(nil); e != nil {
		e.leave(1)
	}
	l.mu.Unlock()
	return l.Barrier()
}

func (l *Ledger) barrier() func(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.open[len(l.open)-1]
	switch reopen := l.current.Load() != nil; {
	case reopen && last.left.Load() == 1:
		// Nothing was admitted since the last barrier: its epoch goes on.
		return l.awaitAll(l.open[:len(l.open)-1])
	case reopen:
		next := newEpoch(last.number + 1)
		l.open = append(l.open, next)
		l.current.Store(next)
		last.leave(1)
	}
	var through []*epoch
	for _, e := range l.open {
		if e.number <= last.number {
			through = append(through, e)
		}
	}
	return l.awaitAll(through)
}

// awaitAll returns the wait for those of the epochs that are not settled yet.
func (l *Ledger) awaitAll(epochs []*epoch) func(context.Context) error {
	waiting := slices.DeleteFunc(slices.Clone(epochs), func(e *epoch) bool { return e.left.Load() == 0 })
	return func(ctx context.Context) error { return l.await(ctx, waiting) }
}

func (l *Ledger) await(ctx context.Context, epochs []*epoch) error {
	defer l.prune()
	dropped := false
	for _, e := range epochs {
		select {
		case <-e.done: // also where ctx has ended, too
		default:
			select {
			case <-e.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		dropped = dropped || e.dropped.Load()
	}
	if dropped {
		return ErrDropped
	}
	return nil
}

// prune forgets the settled epochs in front.
func (l *Ledger) prune() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) > 1 && l.open[0].left.Load() == 0 {
		l.open = l.open[1:]
	}
}

// Account is a moment's reading of the ledger. Pending is computed, so that the
// account always balances.
type Account struct {
	Accepted, Delivered, Dead, Dropped, Quarantined int64
	Bytes                                           int64 // admitted and not settled
	Causes                                          map[string]int64
}

// Pending is the number of accepted entries that have no outcome yet.
func (a Account) Pending() int64 { return a.Accepted - a.Delivered - a.Dead - a.Dropped }

// Read returns the account. Outcomes are read before Accepted, so that Pending is
// never negative while others write.
func (l *Ledger) Read() Account {
	l.mu.Lock()
	causes := make(map[string]int64, len(l.causes))
	for k, v := range l.causes {
		causes[k] = v
	}
	l.mu.Unlock()
	a := Account{Causes: causes, Quarantined: l.quarantin.Load(), Bytes: l.bytes.Load()}
	a.Delivered, a.Dead, a.Dropped = l.delivered.Load(), l.dead.Load(), l.dropped.Load()
	a.Accepted = l.accepted.Load()
	return a
}
