package project

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/troupelog/troupe/internal/store"
)

// PanicError is a recovered panic. Its message omits the panic value, which may quote a line.
type PanicError struct {
	Cause string // a runtime error's text, or the type of another value
	Stack []byte
}

// Error returns the cause.
func (e *PanicError) Error() string { return "panic: " + e.Cause }

// Protect calls fn and returns its error, or a *PanicError if it panics.
func Protect(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			cause := fmt.Sprintf("%T", r)
			if known, ok := r.(runtime.Error); ok {
				cause = known.Error()
			}
			err = &PanicError{cause, debug.Stack()}
		}
	}()
	return fn()
}

// foldAttempts limits the attempts to fold a line before it is skipped.
const foldAttempts = 5

// Faults remembers which lines could not be folded, so that one of them cannot stop
// folding for good: after five failures a line is given up and from then on does
// nothing. Its zero value is ready for use, by one goroutine at a time. It does not survive
// a restart: the next process tries all lines again when it rebuilds the index.
type Faults struct {
	failed map[store.Loc]int
}

// givenUp reports whether a line, or its block, was given up.
func (f *Faults) givenUp(at store.Loc) bool {
	return f.failed[at] >= foldAttempts || f.failed[store.Loc{Block: at.Block, Index: store.WholeBlock}] >= foldAttempts
}

// GivenUp reports whether err belongs to a line that was given up.
func (f *Faults) GivenUp(err error) bool {
	e, ok := errors.AsType[*store.LineError](err)
	return ok && f.givenUp(e.At)
}

// note counts an error if a line is to blame for it, and returns it.
func (f *Faults) note(ctx context.Context, err error) error {
	e, ok := errors.AsType[*store.LineError](err)
	if !ok || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
		return err
	}
	if f.failed == nil {
		f.failed = map[store.Loc]int{}
	}
	f.failed[e.At]++
	return err
}
