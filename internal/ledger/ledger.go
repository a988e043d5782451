// Package ledger admits entries and follows them until they are handed to the destinations,
// which count the outcome of each.
//
// It is the only place of back-pressure: it admits bytes up to a limit, makes callers wait for
// room, for a limited time, and gets the bytes back when the memory of the entries is free again.
// It also numbers flush epochs: a barrier closes the current epoch and waits until all entries
// admitted so far have been handed over, so a flush cannot overtake data.
//
// The accepted entries are at any time the entries handed over plus the ones under way; no path
// may drop an entry without a call of Handed. All methods may be called concurrently.
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
	// ErrFull is returned by Admit if no room came free in time, and by AdmitOwn if there is
	// none at once.
	ErrFull = errors.New("ledger: no room within the allowed time")
	// ErrTooLarge is returned by Admit for an entry above the whole limit, which waiting cannot
	// help.
	ErrTooLarge = errors.New("ledger: entry is larger than the limit")
)

// Ledger admits entries by bytes. Make one with New.
type Ledger struct {
	limit int64

	bytes    atomic.Int64 // admitted and not released
	accepted atomic.Int64 // entries admitted
	handed   atomic.Int64 // entries handed over
	salvaged atomic.Int64 // entries emitted by the supervisor after a panic

	current atomic.Pointer[epoch] // nil after Seal

	mu    sync.Mutex
	open  []*epoch      // guarded by mu; oldest first; the last is current
	room  chan struct{} // guarded by mu; closed and replaced when bytes come free
	waits int           // guarded by mu; callers waiting for room
	// still is the time at which a caller began to wait for room, the first since the last
	// release; zero if none waits since then. Guarded by mu.
	still time.Time
}

// Standstill is the time without any release, while callers wait for room, after which further
// calls are rejected at once. It is longer than a busy disk or machine takes between two
// releases. A call with a longer wait is rejected at once only after a standstill of that length.
const Standstill = 5 * time.Second

// epoch counts the entries admitted between two barriers.
type epoch struct {
	number uint64
	own    bool // begun after Close, for entries of AdmitOwn only; immutable
	// left is the number of entries not handed over, plus one while the epoch is current. Once
	// it is zero it stays zero: enter fails then.
	left atomic.Int64
	done chan struct{} // closed when left becomes zero
}

// newEpoch returns an epoch that is current.
func newEpoch(n uint64, own bool) *epoch {
	e := &epoch{number: n, own: own, done: make(chan struct{})}
	e.left.Store(1)
	return e
}

// enter adds an entry. It reports false if the epoch is over, which a barrier may cause between
// the load of the current epoch and this call; the caller then tries the next one.
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

// leave removes n entries, or the extra one of the current epoch, and ends the epoch with the
// last.
func (e *epoch) leave(n int64) {
	if e.left.Add(-n) == 0 {
		close(e.done)
	}
}

// New returns a ledger that admits up to limit bytes at a time.
func New(limit int64) *Ledger {
	l := &Ledger{limit: limit, room: make(chan struct{})}
	e := newEpoch(1, false)
	l.open = []*epoch{e}
	l.current.Store(e)
	return l
}

// Admit accepts one entry of cost bytes and returns its epoch, for Handed. It waits up to wait
// for room, or not at all during a Standstill. It fails with ErrClosed, ErrFull or ErrTooLarge,
// and then nothing is counted.
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

// AdmitOwn accepts an entry that the logger itself makes, such as the end of an entity that is
// auto-ended. It never waits: it fails with ErrFull if more than ownShare of the limit is taken,
// so that these entries do not crowd out calls. An empty ledger has room for an entry of any
// size. AdmitOwn works after Close, and fails with ErrClosed after Seal.
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

// ownShare is the part of the limit, in eighths, up to which AdmitOwn takes room. It is above the
// quarter that sampling may hold, or AdmitOwn could wait for sampling forever, and at most the
// share of a destination that drops its oldest entries.
const ownShare = 3

// ownLimit returns the number of bytes up to which AdmitOwn takes room.
func (l *Ledger) ownLimit() int64 { return l.limit / 8 * ownShare }

// AwaitOwn waits until AdmitOwn may have room for cost bytes, or would fail for another reason.
// The room is not reserved, so callers try again in a loop. It returns the error of ctx if that
// ends first.
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

// Charge takes bytes without waiting, even above the limit, for memory of entries that were
// accepted long ago. Release gives them back.
func (l *Ledger) Charge(cost int64) { l.bytes.Add(cost) }

// take reserves bytes if the ledger stays within the limit.
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

// enter adds an entry to the current epoch. It reports false if the ledger is sealed, or closed
// for entries that are not own.
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

// waitForRoom takes cost bytes as soon as there is room for them. It fails after the wait, or at
// once during a standstill: if the disk is stuck, one call waits and the others do not queue up.
func (l *Ledger) waitForRoom(cost int64, wait time.Duration) error {
	if wait <= 0 || l.stalled(wait) {
		return ErrFull
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		room := l.join()
		granted, expired := l.take(cost, l.limit), false
		if !granted {
			l.noteStall()
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

// join registers a waiting caller and returns the channel that the next release closes. The
// caller must look for room after join, or it would miss a release in between, and then quit.
func (l *Ledger) join() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits++
	return l.room
}

// quit undoes join.
func (l *Ledger) quit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits--
}

// noteStall records that a caller found no room and waits.
func (l *Ledger) noteStall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.still.IsZero() {
		l.still = time.Now()
	}
}

// stalled reports whether callers have waited in vain for so long that another wait is pointless.
func (l *Ledger) stalled(wait time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.still.IsZero() && time.Since(l.still) >= max(wait, Standstill)
}

// Release gives back the cost of entries whose memory is free again, and wakes all waiting
// callers: their costs differ, so the first in line may not be the one that fits.
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

// Handed records that count entries of one epoch have been handed over. It must be called once
// for each admitted entry, also for entries that were dropped: barriers wait for it.
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

// Salvage counts an entry that the supervisor emitted after a panic.
func (l *Ledger) Salvage() { l.salvaged.Add(1) }

// Barrier closes the current epoch and returns a function that waits until every entry admitted
// before the call of Barrier has been handed over, or ctx ends. Later entries are not waited for.
func (l *Ledger) Barrier() func(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.awaitAll(l.turnLocked())
}

// Close refuses further calls of Admit and returns a barrier after the last admitted entry.
// AdmitOwn still works, because closing a logger ends its open entities.
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

// Seal refuses further calls of AdmitOwn too and returns a barrier after the last entry of all.
func (l *Ledger) Seal() func(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.current.Swap(nil); e != nil {
		e.leave(1)
	}
	if l.waits > 0 { // callers of AwaitOwn would wait for room that they cannot use
		close(l.room)
		l.room = make(chan struct{})
	}
	return l.awaitAll(slices.Clone(l.open))
}

// Sealed reports whether Seal was called.
func (l *Ledger) Sealed() bool { return l.current.Load() == nil }

// turnLocked ends the current epoch, unless it is empty, and returns all epochs that are not
// current. Callers must hold mu.
func (l *Ledger) turnLocked() []*epoch {
	e := l.current.Load()
	through := slices.Clone(l.open)
	switch {
	case e == nil:
		return through
	case e.left.Load() == 1:
		// Nothing was admitted since the last barrier, so the epoch can go on. Idle flushes do
		// not pile up epochs.
		return through[:len(through)-1]
	}
	l.beginLocked(e.own)
	return through
}

// beginLocked ends the current epoch and begins the next. Callers must hold mu. The next epoch is
// current before the last one can end: between the two, enter would find no epoch.
func (l *Ledger) beginLocked(own bool) {
	last := l.open[len(l.open)-1]
	next := newEpoch(last.number+1, own)
	l.open = append(l.open, next)
	l.current.Store(next)
	last.leave(1)
}

// awaitAll returns a function that waits for the end of all given epochs.
func (l *Ledger) awaitAll(epochs []*epoch) func(context.Context) error {
	return func(ctx context.Context) error {
		defer l.prune()
		for _, e := range epochs {
			select {
			case <-e.done: // prefer success if ctx has ended too
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

// prune removes the oldest epochs that are over. The current one stays.
func (l *Ledger) prune() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) > 1 && l.open[0].left.Load() == 0 {
		l.open = l.open[1:]
	}
}

// Counters are the figures of a ledger at one moment.
type Counters struct {
	Accepted int64 // entries admitted
	Handed   int64 // entries handed over; never more than Accepted
	Salvaged int64 // entries emitted by the supervisor after a panic
	Bytes    int64 // admitted and not released
}

// Read returns the counters. It reads Handed before Accepted, so that Handed is never the larger
// one while others write.
func (l *Ledger) Read() Counters {
	c := Counters{Salvaged: l.salvaged.Load(), Bytes: l.bytes.Load(), Handed: l.handed.Load()}
	c.Accepted = l.accepted.Load()
	return c
}
