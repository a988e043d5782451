package collector

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// follower moves what is derived from the log behind it, on a goroutine of its own: the
// index, or the search.
type follower struct {
	name    string                                                       // what it does, for messages: "folding"
	follow  func(context.Context, *project.Faults) (store.Cursor, error) // one step
	reset   func(context.Context) error
	derived store.Renewer // what is moved
	logger  *slog.Logger
	period  time.Duration // a step begins so long after the one before, unless somebody waits or it is behind
	log     store.Log
	turns   *sync.Mutex  // held during a step unless it is far behind; nil: never
	recv    atomic.Int64 // when the last line that it has got to was received, in microseconds since 1970; 0 if unknown

	left atomic.Uint64 // lines that were left out

	wake   chan struct{} // holds one: something may be left to do
	hurry  chan struct{} // holds one: somebody waits
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	stepping sync.Mutex      // held during a step and a reset
	faults   *project.Faults // guarded by stepping
	panicked bool            // a stack was logged; guarded by stepping

	mu    sync.Mutex
	at    store.Cursor  // how far it has got; guarded by mu
	moved chan struct{} // closed and replaced when at changes; guarded by mu
}

// A step that fails is tried again after a pause that doubles between these.
const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// maxTurns is how many blocks behind a follower may be before it works beside the other
// one: at 10,000 lines/s, about three seconds.
const maxTurns = 256

// newTurns returns what followers take turns by, nil where there are processors enough: if
// all of them did work in the background, a request would wait for one at each of its
// stations, for up to 10 ms.
func newTurns() *sync.Mutex {
	if runtime.GOMAXPROCS(0) > 2 {
		return nil
	}
	return &sync.Mutex{}
}

// start starts a follower that has its name, follow, reset and logger. Stop it.
func (f *follower) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.faults, f.cancel = &project.Faults{}, cancel
	f.wake, f.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	f.done, f.moved = make(chan struct{}), make(chan struct{})
	go f.run(ctx)
}

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
			select {
			case <-f.wake:
			case <-ctx.Done():
			}
		}
	}
}

// step takes one step and reports whether there was something to do. A panic must
// not take the host program down, and a line that cannot be read must not hold up
// those behind it.
func (f *follower) step(ctx context.Context) (moved bool, err error) {
	if f.turns != nil && f.near(ctx) {
		f.turns.Lock()
		defer f.turns.Unlock()
	}
	f.stepping.Lock()
	defer f.stepping.Unlock()
	if f.derived.Damaged() {
		return true, f.renew(ctx)
	}
	before := f.cursor()
	after := before
	err = project.Protect(func() (err error) {
		after, err = f.follow(ctx, f.faults)
		return err
	})
	if err != nil {
		f.tellStack(err)
		return false, err
	}
	if after == before {
		return false, nil
	}
	f.moveTo(after)
	return true, nil
}

// renew begins anew with what was found damaged. It needs stepping.
func (f *follower) renew(ctx context.Context) error {
	aside, err := f.derived.Renew(ctx)
	if err != nil {
		return err
	}
	f.logger.Error(f.name+" found its files damaged: they were set aside and are built anew from the log", "aside", aside)
	f.faults = &project.Faults{}
	f.moveTo(0)
	return nil
}

// late reports whether the last line that it has got to was received longer ago than it
// waits: more are there then, or none at all, which the next step finds out.
func (f *follower) late() bool {
	recv := f.recv.Load()
	return recv > 0 && time.Since(time.UnixMicro(recv)) > 2*f.period
}

// near reports whether no more is left to do than takes turns.
func (f *follower) near(ctx context.Context) bool {
	head, err := f.log.Head(ctx)
	return err == nil && head-f.cursor() <= maxTurns
}

// tellStack logs where a panic came from, the first time there is one.
func (f *follower) tellStack(err error) {
	if panicked, ok := errors.AsType[*project.PanicError](err); ok && !f.panicked {
		f.panicked = true
		f.logger.Error(f.name+" panicked", "cause", panicked.Cause, "stack", string(panicked.Stack))
	}
}

// failed logs what a step failed with and reports whether to pause before the next
// attempt: not where it goes on without the line to blame.
func (f *follower) failed(err error, pause time.Duration) bool {
	f.stepping.Lock()
	givenUp := f.faults.GivenUp(err)
	f.stepping.Unlock()
	if givenUp {
		f.left.Add(1)
		f.logger.Error(f.name+" a line is not possible, it is left out; rebuilding tries it again", "error", err)
		return false
	}
	f.logger.Warn(f.name+" failed, will be tried again", "error", err, "pause", pause)
	return true
}

// sleep waits for a time, until ctx ends or something comes from the channel.
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

func (f *follower) cursor() store.Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *follower) moveTo(at store.Cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
	close(f.moved)
	f.moved = make(chan struct{})
}

// next returns a channel that is closed when it gets further.
func (f *follower) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moved
}

// restart empties what is derived and derives everything again.
func (f *follower) restart(ctx context.Context) error {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	if err := f.reset(ctx); err != nil {
		return err
	}
	f.faults = &project.Faults{}
	f.moveTo(0)
	return nil
}

// finishStep waits for the end of a step under way: what comes after it reads the log as
// it is now.
func (f *follower) finishStep() {
	f.stepping.Lock()
	f.stepping.Unlock() //nolint:staticcheck // nothing is to be done in between
}

// notify says that something may be left to do. It never blocks.
func (f *follower) notify() { tell(f.wake) }

// tell puts something into a channel that holds one, unless it is full.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits until it has got as far as at.
func (f *follower) wait(ctx context.Context, at store.Cursor) error {
	tell(f.hurry)
	f.notify()
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

// stop ends the goroutine and waits for it until ctx ends.
func (f *follower) stop(ctx context.Context) error {
	f.cancel()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
