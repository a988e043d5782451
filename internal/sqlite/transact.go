package sqlite

import (
	"context"
	"database/sql"
	"runtime"
	"sync/atomic"
	"time"
)

// longest remembers the longest of some times. It may be used concurrently.
type longest struct{ ns atomic.Int64 }

func (l *longest) add(d time.Duration) {
	for {
		before := l.ns.Load()
		if int64(d) <= before || l.ns.CompareAndSwap(before, int64(d)) {
			return
		}
	}
}

// take returns the longest and starts over.
func (l *longest) take() time.Duration { return time.Duration(l.ns.Swap(0)) }

// pacer lets others run during many statements: a goroutine that waits for the processor
// would else wait for 10 ms, and a request that is stored passes through several.
type pacer struct {
	ended func() error // the error of the caller's context
	steps int
}

// pacedSteps is the number of statements, of 10 to 50 µs each, between two yields.
const pacedSteps = 16

// step is called before each statement. It returns the error of the context.
func (p *pacer) step() error {
	if p.steps++; p.steps%pacedSteps == 0 {
		runtime.Gosched()
	}
	return p.ended()
}

// writes holds the durations of the longest write transactions of a file.
type writes struct{ add, prune longest }

// transact runs fn in a transaction on the connection that writes, and remembers in took
// how long others could not write.
func (f *file) transact(ctx context.Context, conn *sql.Conn, took *longest, fn func() error) error {
	// Begin and end do not follow ctx: where it ends meanwhile they may take effect and
	// fail all the same.
	whole := context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(whole, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	began := time.Now()
	defer func() { took.add(time.Since(began)) }()
	err := fn()
	if err == nil {
		_, err = conn.ExecContext(whole, "COMMIT")
	}
	if err != nil {
		// Also when ctx has ended: the connection must not stay in a transaction. It
		// fails where SQLite has rolled back itself.
		conn.ExecContext(whole, "ROLLBACK") //nolint:errcheck // the reason is in err
	}
	return err
}

// LongestWrites returns the durations of the longest transactions since the last call: one
// that added lines and one that dropped some, with the time to copy the journal into the file.
func (f *file) LongestWrites() (add, prune time.Duration) {
	return f.writes.add.take(), f.writes.prune.take()
}

// LongestWrites returns the same of any part that is still there.
func (x *Search) LongestWrites() (add, prune time.Duration) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, p := range x.parts {
		a, f := p.LongestWrites()
		add, prune = max(add, a), max(prune, f)
	}
	return add, prune
}
