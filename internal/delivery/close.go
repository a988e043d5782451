package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// ErrPending is returned by Close if entries were not delivered.
var ErrPending = errors.New("delivery: entries are not delivered")

// closeGrace limits how long after the end of its context Close returns.
const closeGrace = 100 * time.Millisecond

// Close stops the destination. It first makes all entries durable. If drain is set, it then
// sends as many entries as it can until ctx ends. Undelivered entries stay in the spool for the next process;
// without a disk they are dropped and counted as "closed". Close returns within 100 ms of the end
// of ctx even if the Backend or the disk does not answer; calls that are under way are then
// abandoned.
//
// If entries are left, the error is ErrPending, with their number. It includes an error of the
// spool. A second Close returns the same error as the first.
func (s *Destination) Close(ctx context.Context, drain bool) error {
	s.closing.Do(func() { s.closed = s.close(ctx, drain) })
	return s.closed
}

// close is Close without its guard against a second call. The order matters: entries are made durable
// before anything is sent, because sending may take all the time there is.
func (s *Destination) close(ctx context.Context, drain bool) error {
	if drain {
		s.flushNow()
		signal(s.throttle.force) // a firm wait ends, too: this is the last chance
		signal(s.own.lastTry)
	}
	s.makeDurable(ctx)
	if drain {
		_ = s.own.waitDrained(ctx) // closeError counts the entries that are left
	}
	s.cancel()
	half, stopHalf := WithGrace(ctx, closeGrace/2)
	defer stopHalf()
	within(half, s.running.Wait)
	end, stop := WithGrace(ctx, closeGrace)
	defer stop()
	var err error
	closed := make(chan error, 1)
	go func() { closed <- s.cfg.Spool.Close(end) }()
	select {
	case err = <-closed:
	case <-end.Done():
		err = context.Cause(end)
	}
	return s.closeError(err)
}

// makeDurable makes all entries durable, if the disk takes them.
func (s *Destination) makeDurable(ctx context.Context) {
	if s.own.onDisk() {
		_ = s.Sync(ctx) // closeError counts the entries that are not on disk
	}
}

// closeError returns the error of Close, and counts the entries that end with the process as
// dropped.
func (s *Destination) closeError(err error) error {
	lines, uploads := s.cfg.Spool.Lines.State(), s.cfg.Spool.Uploads.State()
	c := s.Counters()
	// Entries of an adopted slot are left out: they are as safe as they were before.
	pending := min(c.Pending(), lines.Unacked+uploads.Unacked)
	lost := min(notOnDisk(lines)+notOnDisk(uploads), pending)
	s.drop(lost, "closed", err)
	switch {
	case lost > 0:
		left := fmt.Errorf("%w: %d are in the spool and %d, which were in memory, are dropped",
			ErrPending, pending-lost, lost)
		return errors.Join(left, err)
	case pending > 0:
		return errors.Join(fmt.Errorf("%w: %d are in the spool for the next process", ErrPending, pending), err)
	}
	return err
}

// notOnDisk returns the number of records that end with the process.
func notOnDisk(state seglog.State) int64 {
	if state.Written <= state.Acked {
		return state.Unacked
	}
	return state.Unacked - min(state.Unacked, int64(state.Written-state.Acked))
}

// within waits until f returns or ctx ends. Then f goes on alone.
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

// WithGrace returns a context that ends the given time after ctx, with the values of ctx. The
// caller must call the function to free it.
func WithGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		sleep(later, grace, nil)
		cancel()
	})
	return later, func() {
		unhook()
		cancel()
	}
}
