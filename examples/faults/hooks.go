package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/troupelog/troupe/logger"
)

// hooks logs through hooks that panic: OnError, a value's MarshalJSON, and a handler of
// slog that is given every line.
func hooks(ctx context.Context, out io.Writer, url string) error {
	_, _ = fmt.Fprintln(out, "HOOKS THAT PANIC")
	var told record
	log, err := logger.New(logger.Config{
		ID: "faults", BaseURL: url, Durability: logger.MemoryOnly, Debug: true, Slog: slog.New(bomb{}),
		OnError: func(err error) {
			told.add(err)
			panic("in OnError")
		},
	})
	if err != nil {
		return err
	}

	trace := log.Trace(logger.TraceConfig{ID: "hooks", Name: "question", Input: "Where is my order 7?"})
	trace.AddMetadata(map[string]any{"order": 7, "bad": bomb{}}) // the valid part of a call is logged
	trace.SetOutput(bomb{})                                      // here nothing is: the call is rejected
	trace.AddTag("state", "good")
	trace.End()

	if err := log.Close(ctx); err != nil {
		return err
	}
	for _, err := range told.all() {
		_, _ = fmt.Fprintln(out, "OnError:", err)
	}
	s := log.Stats()
	_, _ = fmt.Fprintf(out, "%d calls rejected, %d panics contained\n%v\n\n", s.Rejected, s.Panics, s)
	return nil
}

// bomb panics, as a value and as a handler of slog.
type bomb struct{}

// MarshalJSON implements json.Marshaler.
func (bomb) MarshalJSON() ([]byte, error) { panic("in MarshalJSON") }

// Enabled implements slog.Handler.
func (bomb) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (bomb) Handle(context.Context, slog.Record) error { panic("in Handle") }

// WithAttrs implements slog.Handler.
func (b bomb) WithAttrs([]slog.Attr) slog.Handler { return b }

// WithGroup implements slog.Handler.
func (b bomb) WithGroup(string) slog.Handler { return b }

// record keeps the errors that OnError receives; it runs on a goroutine of the logger.
type record struct {
	mu   sync.Mutex
	errs []error // guarded by mu
}

func (r *record) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *record) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.errs...)
}

// count returns how many errors have a reason.
func (r *record) count(reason error) int {
	n := 0
	for _, err := range r.all() {
		if errors.Is(err, reason) {
			n++
		}
	}
	return n
}
