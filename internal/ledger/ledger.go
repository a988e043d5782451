// Package ledger admits entries and follows them until they are handed to the sinks.
// It is the only place of back-pressure: it admits bytes up to a limit, makes callers
// wait, for a bounded time, for room, and gets the bytes back when the memory of the
// entries is free again. It also counts flush epochs: a barrier closes the current
// epoch and waits until all entries admitted in it and before it have been handed
// over, so that it cannot overtake data. What becomes of them then, each sink counts.
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
)

// Ledger is the account. Make one with New.
type Ledger struct {
	limit int64

	bytes       atomic.Int64 // admitted and not released
	accepted    atomic.Int64
	handed      atomic.Int64
	quarantined atomic.Int64

	// stuck is set when a caller waited in vain and cleared by the next release: while
	// nothing moves, one caller has waited for all.
	stuck atomic.Bool

	current atomic.Pointer[epoch] // nil after Close

	mu    sync.Mutex
	open  []*epoch      // guarded by mu; oldest first; the last is current
	room  chan struct{} // guarded by mu; closed when bytes were given back
	waits int           // guarded by mu; callers waiting for room
}

// epoch counts the entries admitted between two barriers.
type epoch struct {
	number uint64
	// left is the number of entries that are not handed over, plus one while the epoch
	// is current; it never leaves zero again.
	left atomic.Int64
	done chan struct{} // closed when left reaches zero
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
	l := &Ledger{limit: limit, room: make(chan struct{})}
	e := newEpoch(1)
	l.open = []*epoch{e}
	l.current.Store(e)
	return l
}

// Admit accepts one entry of cost bytes and returns the epoch it belongs to. It
// waits up to wait for room. It fails with ErrClosed, ErrFull or ErrTooLarge, and
// then nothing is accounted.
func (l *Ledger) Admit(cost int64, wait time.Duration) (uint64, error) {
	if l.current.Load() == nil {
		return 0, ErrClosed
	}
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
		l.Release(cost)
		return 0, ErrClosed
	}
	return n, nil
}

// AdmitOwn accepts an entry that the logger itself makes (the end of an orphan).
// It neither waits nor fails for want of room, and works while Close drains.
func (l *Ledger) AdmitOwn(cost int64) uint64 {
	l.Charge(cost)
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

// Charge takes bytes, without a wait, for what Release will give back: memory of
// entries that were accepted long ago.
func (l *Ledger) Charge(cost int64) { l.bytes.Add(cost) }

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

// Release gives back the cost of entries whose memory is free again.
func (l *Ledger) Release(cost int64) {
	l.bytes.Add(-cost)
	l.stuck.Store(false)
	l.mu.Lock()
	if l.waits > 0 {
		close(l.room)
		l.room = make(chan struct{})
	}
	l.mu.Unlock()
}

// Handed notes that count entries of one epoch have been handed over.
func (l *Ledger) Handed(epochNumber uint64, count int) {
	n := int64(count)
	l.handed.Add(n)
	l.mu.Lock()
	at := slices.IndexFunc(l.open, func(e *epoch) bool { return e.number == epochNumber })
	var e *epoch
	if at >= 0 {
		e = l.open[at]
	}
	l.mu.Unlock()
	if e != nil {
		e.leave(n)
	}
}

// Quarantine counts an entry that was emitted by the supervisor.
func (l *Ledger) Quarantine() { l.quarantined.Add(1) }

// Barrier closes the current epoch and returns a function that waits until every
// entry admitted before the call has been handed over, or ctx ends.
func (l *Ledger) Barrier() func(ctx context.Context) error {
	return l.awaitAll(l.turn())
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

// turn ends the current epoch, unless it is empty, and returns those before the next.
func (l *Ledger) turn() []*epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.open[len(l.open)-1]
	if l.current.Load() == nil {
		return slices.Clone(l.open)
	}
	if last.left.Load() == 1 {
		// Nothing was admitted since the last barrier: its epoch goes on.
		return slices.Clone(l.open[:len(l.open)-1])
	}
	through := slices.Clone(l.open)
	next := newEpoch(last.number + 1)
	l.open = append(l.open, next)
	l.current.Store(next)
	last.leave(1)
	return through
}

func (l *Ledger) awaitAll(epochs []*epoch) func(context.Context) error {
	return func(ctx context.Context) error {
		defer l.prune()
		for _, e := range epochs {
			select {
			case <-e.done: // also where ctx has ended, too
				continue
			default:
			}
			select {
			case <-e.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
}

// prune forgets the epochs in front that are over.
func (l *Ledger) prune() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) > 1 && l.open[0].left.Load() == 0 {
		l.open = l.open[1:]
	}
}

// Account is a moment's reading of the ledger.
type Account struct {
	Accepted, Handed, Quarantined int64
	Bytes                         int64 // admitted and not released
}

// Read returns the account. Handed is read before Accepted, so that it is never the
// larger one while others write.
func (l *Ledger) Read() Account {
	a := Account{Quarantined: l.quarantined.Load(), Bytes: l.bytes.Load(), Handed: l.handed.Load()}
	a.Accepted = l.accepted.Load()
	return a
}
