package collector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/troupelog/troupe/collector/store"
)

// folder moves the index behind the log, on a goroutine of its own.
type folder struct {
	log    store.Log
	index  store.Index
	blobs  store.Blobs
	logger *slog.Logger

	wake   chan struct{} // holds one: something may be left to fold
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	stepping sync.Mutex    // held during a step and while the index is reset
	faults   *store.Faults // guarded by stepping
	panicked bool          // a stack was logged; guarded by stepping

	mu    sync.Mutex
	at    store.Cursor  // how far folding has got; guarded by mu
	moved chan struct{} // closed and replaced when at changes; guarded by mu
}

// Folding that fails is tried again after a pause that doubles between these.
const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

func startFolder(log store.Log, index store.Index, blobs store.Blobs, logger *slog.Logger) *folder {
	ctx, cancel := context.WithCancel(context.Background())
	f := &folder{
		log: log, index: index, blobs: blobs, logger: logger,
		faults: &store.Faults{},
		wake:   make(chan struct{}, 1), cancel: cancel,
		done: make(chan struct{}), moved: make(chan struct{}),
	}
	go f.run(ctx)
	return f
}

func (f *folder) run(ctx context.Context) {
	defer close(f.done)
	pause := minPause
	for ctx.Err() == nil {
		moved, err := f.step(ctx)
		switch {
		case errors.Is(err, store.ErrStale) || ctx.Err() != nil:
		case err != nil:
			if !f.failed(err, pause) {
				pause = minPause
				continue
			}
			f.sleep(ctx, pause)
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

// step folds once and reports whether there was something to fold. A panic must
// not take the host program down, and a line that cannot be folded must not hold up
// those behind it.
func (f *folder) step(ctx context.Context) (moved bool, err error) {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	before := f.cursor()
	after := before
	err = store.Protect(func() (err error) {
		after, err = store.Fold(ctx, f.log, f.index, f.blobs, f.faults)
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

// tellStack logs where a panic came from, the first time there is one.
func (f *folder) tellStack(err error) {
	if panicked, ok := errors.AsType[*store.PanicError](err); ok && !f.panicked {
		f.panicked = true
		f.logger.Error("folding panicked", "cause", panicked.Cause, "stack", string(panicked.Stack))
	}
}

// failed logs what folding failed with and reports whether to pause before the next
// attempt: not where it goes on without the line to blame.
func (f *folder) failed(err error, pause time.Duration) bool {
	f.stepping.Lock()
	givenUp := f.faults.GivenUp(err)
	f.stepping.Unlock()
	if givenUp {
		f.logger.Error("a line cannot be folded and is left out; rebuilding the index tries it again", "error", err)
		return false
	}
	f.logger.Warn("folding failed, will be tried again", "error", err, "pause", pause)
	return true
}

func (f *folder) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *folder) cursor() store.Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *folder) moveTo(at store.Cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
	close(f.moved)
	f.moved = make(chan struct{})
}

// restart empties the index and folds everything again.
func (f *folder) restart(ctx context.Context) error {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	if err := f.index.Reset(ctx); err != nil {
		return err
	}
	f.faults = &store.Faults{}
	f.moveTo(0)
	return nil
}

// notify says that something may be left to fold. It never blocks.
func (f *folder) notify() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// wait waits until folding has got as far as at.
func (f *folder) wait(ctx context.Context, at store.Cursor) error {
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
func (f *folder) stop(ctx context.Context) error {
	f.cancel()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
