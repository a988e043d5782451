package delivery

import (
	"context"
	"sync"
	"time"
)

// failure counts the failed attempts in a row of one goroutine, or of a throttle. Its methods may
// be called concurrently.
type failure struct {
	mu    sync.Mutex
	count int   // guarded by mu; failures since the last success
	err   error // guarded by mu; of the last attempt, nil after a success
}

// failed records an error and returns the number of failures in a row before it.
func (f *failure) failed(err error) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.count++
	return f.count - 1
}

// succeeded records a success and reports whether attempts before it had failed.
func (f *failure) succeeded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.count > 0
	f.count, f.err = 0, nil
	return before
}

// last returns the error of the last attempt, or nil if it succeeded.
func (f *failure) last() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// throttle limits requests to one server: at most n at a time, and none before the retry time of
// the last response. After a failure it admits a single probe; the others wait for its result.
type throttle struct {
	failure
	slots chan struct{} // holds an element for each permit, and for each caller that waits for the time
	probe chan struct{} // capacity 1; full while there is a probe
	nudge chan struct{} // capacity 1; ends a back-off
	force chan struct{} // capacity 1; ends any wait

	wait   sync.Mutex
	until  time.Time // guarded by wait; no attempt begins before
	firm   bool      // guarded by wait; a flush does not shorten the wait, see isFirm
	blocks int       // guarded by wait; how often the throttle was blocked
}

// permit allows one attempt.
type permit struct {
	blocks int  // of the throttle when the permit was given
	probe  bool // the attempt is the probe
}

// newThrottle returns a throttle for the given number of requests at a time.
func newThrottle(slots int) *throttle {
	return &throttle{
		slots: make(chan struct{}, slots), probe: make(chan struct{}, 1),
		nudge: make(chan struct{}, 1), force: make(chan struct{}, 1),
	}
}

// acquire waits for a slot and for the retry time. It returns false if ctx ends first; otherwise
// the caller must call release. Callers that wait keep their slot, so the order in which they came is
// roughly the order in which they go on.
func (t *throttle) acquire(ctx context.Context) (p permit, ok bool) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return p, false
	}
	for {
		if t.last() != nil && !p.probe {
			select {
			case t.probe <- struct{}{}:
				p.probe = true
			case <-ctx.Done():
			}
		}
		if p.probe && t.last() == nil {
			<-t.probe // the earlier probe has succeeded, so this attempt need not be one
			p.probe = false
		}
		if !t.await(ctx) {
			t.release(p)
			return p, false
		}
		if p.blocks = t.blockCount(); p.probe || t.last() == nil {
			break
		}
	}
	for _, asked := range []chan struct{}{t.nudge, t.force} {
		select {
		case <-asked: // this attempt is the one that was asked for
		default:
		}
	}
	return p, true
}

// release gives a permit back. The caller records the result of the attempt first, with block
// or unblock.
func (t *throttle) release(p permit) {
	if p.probe {
		<-t.probe
	}
	<-t.slots
}

// blockCount returns how often the throttle was blocked. It identifies the present state: a permit
// with an older count belongs to an attempt that began before the last failure.
func (t *throttle) blockCount() int {
	t.wait.Lock()
	defer t.wait.Unlock()
	return t.blocks
}

// await waits until the retry time, until a flush ends a back-off, or until Close asks for its
// last attempt. It returns false if ctx ends first.
func (t *throttle) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		until, firm := t.blocked()
		left := time.Until(until)
		if left <= 0 {
			return true
		}
		wake := t.nudge
		if firm {
			wake = t.force
		}
		if !sleep(ctx, left, wake) {
			return true
		}
	}
	return false
}

// sleep waits for d and returns true, or returns false if wake is signalled first. It also returns
// true when ctx ends.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-wake:
		return false
	}
	return true
}

// blocked returns the time before which no attempt begins, and whether that wait is firm.
func (t *throttle) blocked() (until time.Time, firm bool) {
	t.wait.Lock()
	defer t.wait.Unlock()
	return t.until, t.firm
}

// firmWait returns how long a firm wait goes on, or 0 if there is none.
func (t *throttle) firmWait() time.Duration {
	until, firm := t.blocked()
	if !firm {
		return 0
	}
	return max(time.Until(until), 0)
}

// block makes attempts wait after a failure. Of attempts that were under way together only the
// first counts as a failure. The others can make the wait longer, if their server asks for it.
func (t *throttle) block(p permit, err error, action retryAction) {
	t.wait.Lock()
	defer t.wait.Unlock()
	if p.blocks != t.blocks {
		if until := time.Now().Add(waitFor(err, action, 0)); until.After(t.until) {
			t.until = until
		}
		// A flush must not end a back-off before the time that the server asked for.
		t.firm = t.firm || isFirm(err, action)
		return
	}
	t.blocks++
	t.until, t.firm = time.Now().Add(waitFor(err, action, t.failed(err))), isFirm(err, action)
}

// pause makes all attempts wait for transport.Pause, whatever those under way result in.
func (t *throttle) pause(err error) { t.block(permit{blocks: t.blockCount()}, err, pause) }

// unblock ends the wait after an answer that is not a failure, and reports whether attempts had
// failed before. It ignores an attempt that began before the last failure.
func (t *throttle) unblock(p permit) bool {
	t.wait.Lock()
	if p.blocks != t.blocks {
		t.wait.Unlock()
		return false
	}
	t.until, t.firm = time.Time{}, false
	t.wait.Unlock()
	return t.succeeded()
}

// flushNow ends a back-off, or prevents the next one, because a flush wants an attempt at once. A
// firm wait goes on.
func (t *throttle) flushNow() { signal(t.nudge) }

// signal wakes the receiver of a channel with capacity 1, without waiting.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
