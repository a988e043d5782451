package service

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// follower keeps the index or the search up to date with the log, on its own goroutine. It
// takes steps while it holds the lease of its job. While another process holds it, the follower
// only watches how far that process has come. Fields without a note are immutable after start.
type follower struct {
	name    string                                                       // its activity, for messages: "folding"
	follow  func(context.Context, *project.Faults) (store.Cursor, error) // takes one step and returns the new cursor
	derived derived                                                      // the store that follow fills
	pruner  store.Pruner                                                 // of derived
	lease   store.Lease
	shared  bool // other processes append too, or hold the lease: poll
	logger  *slog.Logger
	period  time.Duration // least time between two steps, unless somebody waits or it is behind
	log     store.Log
	steps   *sync.Mutex // held during a step unless it is far behind; nil: never

	waiting atomic.Int32 // callers of wait

	recv  atomic.Int64  // reception of the last line read, in microseconds since 1970; 0 if unknown
	given atomic.Uint64 // lines given up

	wake   chan struct{} // holds one signal: the log may have grown
	hurry  chan struct{} // holds one signal: somebody waits
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	stepping sync.Mutex      // held during a step and a reset
	faults   *project.Faults // guarded by stepping
	panicked bool            // a stack was logged; guarded by stepping

	mu    sync.Mutex
	at    store.Cursor  // position in the log; guarded by mu
	moved chan struct{} // closed and replaced when at changes; guarded by mu
}

// derived is a store that follows a log: an Index or a Search.
type derived interface {
	Cursor(ctx context.Context) (store.Cursor, error)
	Reset(ctx context.Context) error
}

// Intervals at which a follower of a shared shard polls: while somebody waits, and else.
const (
	pollWaiting = 50 * time.Millisecond
	pollIdle    = time.Second
)

// A failed step is repeated after a pause, which doubles from minPause to maxPause.
const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// maxTurns is the number of blocks that a follower may be behind before it stops waiting
// for the steps of other followers: at 10,000 lines/s, about three seconds.
const maxTurns = 256

// start starts the goroutine. Stop it.
func (f *follower) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.faults, f.cancel = &project.Faults{}, cancel
	f.wake, f.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	f.done, f.moved = make(chan struct{}), make(chan struct{})
	go f.run(ctx)
}

// run takes steps until ctx ends. It works without a pause while there is something to do, backs
// off after failures, and is idle at the end of the log.
func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	pause, began := minPause, time.Time{}
	for ctx.Err() == nil {
		if !f.late() {
			f.sleep(ctx, f.period-time.Since(began), f.hurry)
		}
		began = time.Now()
		moved, err := f.step(ctx)
		switch {
		// Another process was faster, or this one stops: neither is a failure.
		case errors.Is(err, store.ErrStale) || ctx.Err() != nil:
		case err != nil:
			if !f.failed(err, pause) {
				pause = minPause
				continue
			}
			f.sleep(ctx, pause, nil)
			pause = min(2*pause, maxPause)
		case moved:
			pause = minPause
		default:
			pause = minPause
			f.idle(ctx)
		}
	}
}

// idle waits until the log may have grown.
func (f *follower) idle(ctx context.Context) {
	var poll <-chan time.Time // never, unless shared
	if f.shared {
		interval := pollIdle
		if f.waiting.Load() > 0 {
			interval = pollWaiting
		}
		timer := time.NewTimer(interval)
		defer timer.Stop()
		poll = timer.C
	}
	select {
	case <-f.wake:
	case <-poll:
	case <-ctx.Done():
	}
}

// step takes one step, or watches another process take them, and reports whether the cursor
// moved. A panic must not end the host program, and an unreadable line must not block the lines
// after it.
func (f *follower) step(ctx context.Context) (moved bool, err error) {
	held, err := f.lease.Hold(ctx)
	if err != nil {
		return false, err
	}
	if !held {
		return f.watch(ctx)
	}
	// A follower far behind must not wait for the other one's steps: it would never catch up
	// while lines keep coming.
	if f.steps != nil && f.near(ctx) {
		f.steps.Lock()
		defer f.steps.Unlock()
	}
	f.stepping.Lock()
	defer f.stepping.Unlock()
	if f.pruner.Damaged() {
		return true, f.renew(ctx)
	}
	before := f.cursor()
	after := before
	err = project.Protect(func() (err error) {
		after, err = f.follow(ctx, f.faults)
		return err
	})
	if err != nil {
		f.logStack(err)
		return false, err
	}
	if after == before {
		return false, nil
	}
	f.moveTo(after)
	return true, nil
}

// watch takes over the cursor that another process has reached.
func (f *follower) watch(ctx context.Context) (moved bool, err error) {
	at, err := f.derived.Cursor(ctx)
	if err != nil || at == f.cursor() {
		return false, err
	}
	f.moveTo(at)
	return true, nil
}

// renew replaces a damaged store by an empty one. Callers must hold stepping.
func (f *follower) renew(ctx context.Context) error {
	aside, err := f.pruner.Renew(ctx)
	if err != nil {
		return err
	}
	f.logger.Error(f.name+" found its files damaged: they were set aside and are built anew from the log", "aside", aside)
	f.faults = &project.Faults{}
	f.moveTo(0)
	return nil
}

// late reports whether the last line read was received long ago. Either more lines are
// waiting, or there are none, which the next step finds out.
func (f *follower) late() bool {
	recv := f.recv.Load()
	return recv > 0 && time.Since(time.UnixMicro(recv)) > 2*f.period
}

// near reports whether the follower is close enough to the end of the log to take turns.
func (f *follower) near(ctx context.Context) bool {
	head, err := f.log.Head(ctx)
	return err == nil && head-f.cursor() <= maxTurns
}

// logStack logs the stack of the first panic.
func (f *follower) logStack(err error) {
	if panicked, ok := errors.AsType[*project.PanicError](err); ok && !f.panicked {
		f.panicked = true
		f.logger.Error(f.name+" panicked", "cause", panicked.Cause, "stack", string(panicked.Stack))
	}
}

// failed logs the error of a step and reports whether to pause before the next attempt.
// There is no pause once the line that causes the error is given up.
func (f *follower) failed(err error, pause time.Duration) bool {
	f.stepping.Lock()
	givenUp := f.faults.GivenUp(err)
	f.stepping.Unlock()
	// The line is skipped from now on, so the next step can succeed at once.
	if givenUp {
		f.given.Add(1)
		f.logger.Error(f.name+" a line keeps failing: it is left out; rebuilding tries it again", "error", err)
		return false
	}
	f.logger.Warn(f.name+" failed, will be tried again", "error", err, "pause", pause)
	return true
}

// sleep waits for a time, until ctx ends or a signal arrives on or.
func (f *follower) sleep(ctx context.Context, d time.Duration, or <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-or:
	case <-ctx.Done():
	}
}

// cursor returns how far the follower has come. It is a copy of the cursor of the derived store,
// to be read without a query; a follower begins at 0 and learns the true value with its first
// step.
func (f *follower) cursor() store.Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

// moveTo sets the cursor, forwards after a step and back to 0 after a reset.
func (f *follower) moveTo(at store.Cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
	// Wakes all callers of wait and next, who take the new channel.
	close(f.moved)
	f.moved = make(chan struct{})
}

// next returns a channel that is closed at the next move.
func (f *follower) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moved
}

// restart empties the derived store, so that all of the log is read again.
func (f *follower) restart(ctx context.Context) error {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	if err := f.derived.Reset(ctx); err != nil {
		return err
	}
	f.faults = &project.Faults{}
	f.moveTo(0)
	return nil
}

// finishStep waits for the step under way. Later steps see the log as it is now.
func (f *follower) finishStep() {
	f.stepping.Lock()
	f.stepping.Unlock() //nolint:staticcheck // nothing is to be done in between
}

// notify wakes the follower: the log may have grown. It never blocks.
func (f *follower) notify() { signal(f.wake) }

// signal puts a signal into a channel that holds one, unless there already is one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits until the follower has reached a cursor. It returns store.ErrClosed if the
// follower stops before.
func (f *follower) wait(ctx context.Context, at store.Cursor) error {
	f.waiting.Add(1)
	defer f.waiting.Add(-1)
	signal(f.hurry)
	f.notify()
	// Both are read under one lock: a move in between would be missed otherwise.
	for {
		f.mu.Lock()
		reached, moved := f.at >= at, f.moved
		f.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-f.done:
			return store.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitForHead waits until the follower has read everything stored before the call.
func (f *follower) waitForHead(ctx context.Context) error {
	head, err := f.log.Head(ctx)
	if err != nil {
		return err
	}
	return f.wait(ctx, head)
}

// behind returns the number of stored blocks that the follower has not read.
func (f *follower) behind(ctx context.Context) (int64, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	return max(0, int64(head-f.cursor())), nil
}

// delay returns the age in seconds of the oldest block that the follower has not read: 0 if
// there is none, NaN if the log cannot be read.
func (f *follower) delay(ctx context.Context) float64 {
	n, err := f.behind(ctx)
	if err != nil {
		return math.NaN()
	}
	if n == 0 {
		return 0
	}
	blocks, _, err := f.log.Read(ctx, f.cursor(), 1)
	switch {
	case err != nil:
		return math.NaN()
	case len(blocks) == 0: // read or dropped meanwhile
		return 0
	}
	return max(0, time.Since(blocks[0].Recv).Seconds())
}

// stop ends the goroutine, waits for it until ctx ends, and gives the lease back.
func (f *follower) stop(ctx context.Context) error {
	f.cancel()
	select {
	case <-f.done:
		return f.lease.Release(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
