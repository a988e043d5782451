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
	// ErrClosed is returned by Admit after Close, and by AdmitOwn after Seal.
	ErrClosed = errors.New("ledger: closed")
	// ErrFull is returned by Admit when no room came free in time, and by AdmitOwn
	// when there is none.
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

	current atomic.Pointer[epoch] // nil after Seal

	mu    sync.Mutex
	open  []*epoch      // guarded by mu; oldest first; the last is current
	room  chan struct{} // guarded by mu; closed when bytes were given back
	waits int           // guarded by mu; callers waiting for room
	// still is when a caller began to wait for room, the first since the last release;
	// zero if none has. Guarded by mu.
	still time.Time
}

// Standstill is how long nothing must have been released, while callers wait for room,
// before further calls are rejected without a wait of their own. It is longer than a
// busy disk or a busy machine takes between two releases. Calls whose own wait is longer
// wait at least that long.
const Standstill = 5 * time.Second

// epoch counts the entries admitted between two barriers.
type epoch struct {
	number uint64
	own    bool // begun after Close: it takes entries of AdmitOwn only; immutable
	// left is the number of entries that are not handed over, plus one while the epoch
	// is current; it never leaves zero again.
	left atomic.Int64
	done chan struct{} // closed when left reaches zero
}

func newEpoch(n uint64, own bool) *epoch {
	e := &epoch{number: n, own: own, done: make(chan struct{})}
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
	e := newEpoch(1, false)
	l.open = []*epoch{e}
	l.current.Store(e)
	return l
}

// Admit accepts one entry of cost bytes and returns the epoch it belongs to. It
// waits up to wait for room, or not at all while nothing moves (see Standstill). It
// fails with ErrClosed, ErrFull or ErrTooLarge, and then nothing is accounted.
func (l *Ledger) Admit(cost int64, wait time.Duration) (uint64, error) {
	if e := l.current.Load(); e == nil || e.own {
		return 0, ErrClosed
	}
	if cost > l.limit {
		return 0, ErrTooLarge
	}
	if !l.take(cost, l.limit) {
		if err := l.waitForRoom(cost, wait); err != nil {
			return 0, err
		}
	}
	n, ok := l.enter(false)
	if !ok {
		l.Release(cost)
		return 0, ErrClosed
	}
	return n, nil
}

// AdmitOwn accepts an entry that the logger itself makes (the end of an entity that
// nobody ended). It never waits: it fails with ErrFull where more than ownShare of the
// limit is taken, so that own entries neither crowd out calls nor take more memory than
// calls may. An empty ledger has room for any. It fails with ErrClosed after Seal, and
// works after Close.
func (l *Ledger) AdmitOwn(cost int64) (uint64, error) {
	if l.current.Load() == nil {
		return 0, ErrClosed
	}
	if !l.take(cost, max(cost, l.ownLimit())) {
		return 0, ErrFull
	}
	n, ok := l.enter(true)
	if !ok {
		l.Release(cost)
		return 0, ErrClosed
	}
	return n, nil
}

// ownShare is the part of the limit that may be taken for AdmitOwn to take more, in
// eighths. It is above what sampling may hold, a quarter, and no more than a destination
// holds that drops its oldest entries.
const ownShare = 3

func (l *Ledger) ownLimit() int64 { return l.limit / 8 * ownShare }

// AwaitOwn waits until AdmitOwn may have room for cost bytes, or fail for another
// reason. It returns the error of ctx if that ends first.
func (l *Ledger) AwaitOwn(ctx context.Context, cost int64) error {
	for {
		room := l.join()
		used := l.bytes.Load()
		if l.current.Load() == nil || used == 0 || used+cost <= l.ownLimit() {
			l.quit()
			return nil
		}
		select {
		case <-room:
			l.quit()
		case <-ctx.Done():
			l.quit()
			return ctx.Err()
		}
	}
}

// Charge takes bytes, without a wait, for what Release will give back: memory of
// entries that were accepted long ago.
func (l *Ledger) Charge(cost int64) { l.bytes.Add(cost) }

// take reserves bytes if the ledger stays within limit by that.
func (l *Ledger) take(cost, limit int64) bool {
	for {
		used := l.bytes.Load()
		if used+cost > limit {
			return false
		}
		if l.bytes.CompareAndSwap(used, used+cost) {
			return true
		}
	}
}

// enter joins the current epoch.
func (l *Ledger) enter(own bool) (uint64, bool) {
	for {
		e := l.current.Load()
		if e == nil || e.own && !own {
			return 0, false
		}
		if e.enter() {
			l.accepted.Add(1)
			return e.number, true
		}
	}
}

// waitForRoom takes cost bytes as soon as there is room for them. A call is rejected
// when it has waited in vain itself, or when nothing moves at all.
func (l *Ledger) waitForRoom(cost int64, wait time.Duration) error {
	if wait <= 0 || l.stands(wait) {
		return ErrFull
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		room := l.join()
		granted, expired := l.take(cost, l.limit), false
		if !granted {
			l.stalls()
			select {
			case <-room:
			case <-timer.C:
				// On a busy machine room may have come free at the same moment.
				granted, expired = l.take(cost, l.limit), true
			}
		}
		l.quit()
		switch {
		case granted:
			return nil
		case expired:
			return ErrFull
		}
	}
}

// join announces a caller that waits for room, and returns the channel that the next
// release closes. The caller looks for room behind it, and then calls quit.
func (l *Ledger) join() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits++
	return l.room
}

func (l *Ledger) quit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits--
}

// stalls notes that a caller found no room and waits.
func (l *Ledger) stalls() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.still.IsZero() {
		l.still = time.Now()
	}
}

// stands reports whether nothing has moved for so long that a call need not wait.
func (l *Ledger) stands(wait time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.still.IsZero() && time.Since(l.still) >= max(wait, Standstill)
}

// Release gives back the cost of entries whose memory is free again.
func (l *Ledger) Release(cost int64) {
	l.bytes.Add(-cost)
	l.mu.Lock()
	l.still = time.Time{}
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
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.awaitAll(l.turnLocked())
}

// Close refuses further calls of Admit and returns a barrier behind the last
// admitted entry. AdmitOwn still works.
func (l *Ledger) Close() func(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.current.Load(); e == nil || e.own {
		return l.awaitAll(l.turnLocked())
	}
	through := slices.Clone(l.open)
	l.beginLocked(true)
	return l.awaitAll(through)
}

// Seal refuses further calls of AdmitOwn too and returns a barrier behind the last
// entry of all.
func (l *Ledger) Seal() func(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.current.Swap(nil); e != nil {
		e.leave(1)
	}
	if l.waits > 0 { // of AwaitOwn
		close(l.room)
		l.room = make(chan struct{})
	}
	return l.awaitAll(slices.Clone(l.open))
}

// Sealed reports whether Seal was called.
func (l *Ledger) Sealed() bool { return l.current.Load() == nil }

// turnLocked ends the current epoch, unless it is empty, and returns those before the
// next. The caller holds mu.
func (l *Ledger) turnLocked() []*epoch {
	e := l.current.Load()
	through := slices.Clone(l.open)
	switch {
	case e == nil:
		return through
	case e.left.Load() == 1:
		// Nothing was admitted since the last barrier: its epoch goes on.
		return through[:len(through)-1]
	}
	l.beginLocked(e.own)
	return through
}

// beginLocked ends the current epoch and begins the next. The caller holds mu.
func (l *Ledger) beginLocked(own bool) {
	last := l.open[len(l.open)-1]
	next := newEpoch(last.number+1, own)
	l.open = append(l.open, next)
	l.current.Store(next)
	last.leave(1)
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
