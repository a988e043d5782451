package delivery

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/troupelog/troupe/transport"
)

// failure follows the attempts of one stage. Its methods may be called concurrently.
type failure struct {
	mu    sync.Mutex
	count int   // guarded by mu; failures since the last success
	err   error // guarded by mu; of the last attempt
}

// failed notes an error and returns how many came in a row before it.
func (f *failure) failed(err error) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.count++
	return f.count - 1
}

// succeeded reports whether the attempts before had failed.
func (f *failure) succeeded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.count > 0
	f.count, f.err = 0, nil
	return before
}

func (f *failure) last() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// gate is what all that posts to one server goes through: so many at a time, and not
// before the time that follows from the last answer. After a failure one goes alone, to
// find out whether the server is well again.
type gate struct {
	failure
	turns chan struct{} // holds one element for each that is inside or waits for the time
	probe chan struct{} // capacity 1; full while one goes alone
	nudge chan struct{} // capacity 1; ends a back-off
	force chan struct{} // capacity 1; ends any wait

	wait  sync.Mutex
	until time.Time // guarded by wait; nobody posts before
	firm  bool      // guarded by wait; no flush makes the wait shorter: see isFirm
	round int       // guarded by wait; how often the gate was closed
}

// pass is what lets one through the gate, once.
type pass struct {
	round int  // of the gate when it was entered
	alone bool // it holds the probe
}

func newGate(turns int) *gate {
	return &gate{
		turns: make(chan struct{}, turns), probe: make(chan struct{}, 1),
		nudge: make(chan struct{}, 1), force: make(chan struct{}, 1),
	}
}

// enter waits for a turn and for the time. It returns false when ctx ended first;
// otherwise leave must follow.
func (g *gate) enter(ctx context.Context) (p pass, ok bool) {
	select {
	case g.turns <- struct{}{}:
	case <-ctx.Done():
		return p, false
	}
	for {
		if g.last() != nil && !p.alone {
			select {
			case g.probe <- struct{}{}:
				p.alone = true
			case <-ctx.Done():
			}
		}
		if p.alone && g.last() == nil {
			<-g.probe // another has found out: nobody has to wait for this one
			p.alone = false
		}
		if !g.await(ctx) {
			g.leave(p)
			return p, false
		}
		if p.round = g.rounds(); p.alone || g.last() == nil {
			break
		}
	}
	for _, asked := range []chan struct{}{g.nudge, g.force} {
		select {
		case <-asked: // this attempt is the one that was asked for
		default:
		}
	}
	return p, true
}

func (g *gate) leave(p pass) {
	if p.alone {
		<-g.probe
	}
	<-g.turns
}

func (g *gate) rounds() int {
	g.wait.Lock()
	defer g.wait.Unlock()
	return g.round
}

// await waits until the time has come, a flush ends a back-off, or the last attempt of
// Close is due.
func (g *gate) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		until, firm := g.closed()
		left := time.Until(until)
		if left <= 0 {
			return true
		}
		wake := g.nudge
		if firm {
			wake = g.force
		}
		if !sleep(ctx, left, wake) {
			return true
		}
	}
	return false
}

// sleep waits for d and reports true, or false if wake was signalled first. It returns
// when ctx ends.
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

// closed returns the time before which nobody posts, and whether that wait is firm.
func (g *gate) closed() (until time.Time, firm bool) {
	g.wait.Lock()
	defer g.wait.Unlock()
	return g.until, g.firm
}

// firmly returns how long a firm wait will last yet, 0 if there is none.
func (g *gate) firmly() time.Duration {
	until, firm := g.closed()
	if !firm {
		return 0
	}
	return max(time.Until(until), 0)
}

// hold closes the gate after a failure. Of attempts that were under way together only the
// first counts; the others can make the time longer, if that is what the server asks for.
func (g *gate) hold(p pass, err error, r remedy) {
	g.wait.Lock()
	defer g.wait.Unlock()
	if p.round != g.round {
		if until := time.Now().Add(waitFor(err, r, 0)); until.After(g.until) {
			g.until = until
		}
		// A flush must not end a back-off before the time that the server asked for.
		g.firm = g.firm || isFirm(err, r)
		return
	}
	g.round++
	g.until, g.firm = time.Now().Add(waitFor(err, r, g.failed(err))), isFirm(err, r)
}

// shut closes the gate for a pause, whoever is inside.
func (g *gate) shut(err error) { g.hold(pass{round: g.rounds()}, err, suspend) }

// clear opens the gate after an answer that is no failure, and reports whether attempts
// before had failed. An attempt that began before the gate was closed says nothing new.
func (g *gate) clear(p pass) bool {
	g.wait.Lock()
	if p.round != g.round {
		g.wait.Unlock()
		return false
	}
	g.until, g.firm = time.Time{}, false
	g.wait.Unlock()
	return g.succeeded()
}

// hurry ends a back-off, or prevents the next: a flush wants an attempt at once. A firm
// wait stays as long as it is.
func (g *gate) hurry() { signal(g.nudge) }

// isFirm reports whether the wait after a failure is as long as it is, however often a
// flush is asked for: a pause, because a server that refuses the key is not to be asked
// more than once a minute, and a time that the server itself named. Only Close makes one
// attempt before its end.
func isFirm(err error, r remedy) bool { return r == suspend || asked(err) > 0 }

// asked returns how long the server asked to be left alone, 0 if it did not.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// waitFor returns how long to wait before the attempt that follows a failure.
func waitFor(err error, r remedy, before int) time.Duration {
	if r == suspend {
		return transport.Pause
	}
	return transport.Backoff(before, asked(err), rand.Float64)
}

// signal wakes the one who listens, without waiting.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
