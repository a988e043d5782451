package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// ErrPending is returned by Close when entries are left that were not delivered.
var ErrPending = errors.New("delivery: entries are not delivered")

// closeGrace is how much later than its context Close returns, at most.
const closeGrace = 100 * time.Millisecond

// Close ends the sink. First everything is made durable; then, with drain, what fits
// into ctx is sent. What is left stays in the spool for the next process; without a
// disk it is dropped and counted as "closed". Close returns within 100 ms of the end of
// ctx even if the Backend or the disk does not answer; whatever waits for them is
// abandoned.
//
// The error is ErrPending, with the numbers, when entries are left, and holds that of
// the spool. A second Close returns what the first did.
func (s *Sink) Close(ctx context.Context, drain bool) error {
	s.closing.Do(func() { s.closed = s.close(ctx, drain) })
	return s.closed
}

func (s *Sink) close(ctx context.Context, drain bool) error {
	if drain {
		s.hurry()
		signal(s.gate.force) // a firm wait ends, too: this is the last chance
		signal(s.own.lastTry)
	}
	s.commit(ctx)
	if drain {
		_ = s.own.drained(ctx) // what is left is counted below
	}
	s.cancel()
	half, stopHalf := Longer(ctx, closeGrace/2)
	defer stopHalf()
	within(half, s.running.Wait)
	end, stop := Longer(ctx, closeGrace)
	defer stop()
	var err error
	closed := make(chan error, 1)
	go func() { closed <- s.cfg.Spool.Close(end) }()
	select {
	case err = <-closed:
	case <-end.Done():
		err = context.Cause(end)
	}
	return s.verdict(err)
}

// commit makes everything durable, if the disk takes it.
func (s *Sink) commit(ctx context.Context) {
	if s.own.onDisk() {
		_ = s.Sync(ctx) // verdict tells what is not on disk
	}
}

// verdict says what is left, and counts as dropped what is lost.
func (s *Sink) verdict(err error) error {
	a := s.Account()
	pending := min(a.Pending(), s.cfg.Spool.Lines.State().Unacked+s.cfg.Spool.Uploads.State().Unacked) // what is left of an orphan is as safe as it was
	lost := min(notOnDisk(s.cfg.Spool.Lines.State())+notOnDisk(s.cfg.Spool.Uploads.State()), pending)
	s.drop(lost, "closed", err)
	switch {
	case lost > 0:
		return errors.Join(fmt.Errorf("%w: %d are in the spool and %d, which were in memory, are dropped", ErrPending, pending-lost, lost), err)
	case pending > 0:
		return errors.Join(fmt.Errorf("%w: %d are in the spool for the next process", ErrPending, pending), err)
	}
	return err
}

// notOnDisk counts the records that end with the process.
func notOnDisk(state seglog.State) int64 {
	if state.Written <= state.Acked {
		return state.Unacked
	}
	return state.Unacked - min(state.Unacked, int64(state.Written-state.Acked))
}

// within waits until f returns or ctx ends.
func within(ctx context.Context, f func()) {
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Longer returns a context that ends some time after ctx, and the function that frees it.
func Longer(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		sleep(later, d, nil)
		cancel()
	})
	return later, func() {
		unhook()
		cancel()
	}
}
