// Package modelcall announces the model calls that package llm logs to other instrumentations,
// such as the adapters of frameworks. A call that both of them see is then logged once, and inside
// the span that the framework's adapter began.
//
// The package is apart from llm so that adapters do not import llm's formats.
package modelcall

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupelog/troupe/logger"
)

// Observer is another instrumentation that sees the same model calls. Its methods are called with
// the context of the request, concurrently and on the goroutine of the call, so they must not
// block.
type Observer interface {
	// Within returns the scope that the call belongs to: s, the scope of the context, or a scope
	// inside it that only the observer knows.
	Within(ctx context.Context, s logger.Scope) logger.Scope
	// Begun reports that llm logs the call, so the observer must not log it too.
	Begun(ctx context.Context)
}

var (
	mu        sync.Mutex
	observers atomic.Pointer[[]Observer] // replaced under mu; the lists are immutable
)

// Observe registers o for all model calls of the process until stop is called. A call that is under
// way may still reach o after stop. Observers are asked in the order in which they were registered.
func Observe(o Observer) (stop func()) {
	mu.Lock()
	defer mu.Unlock()
	grown := append(slices.Clone(current()), o)
	observers.Store(&grown)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		fewer := slices.DeleteFunc(slices.Clone(current()), func(other Observer) bool { return other == o })
		observers.Store(&fewer)
	}
}

// current returns the registered observers. It takes no lock: every model call reads the list.
func current() []Observer {
	if all := observers.Load(); all != nil {
		return *all
	}
	return nil
}

// Within returns the scope of a call whose context has the scope s. Each observer sees the result
// of the one before.
func Within(ctx context.Context, s logger.Scope) logger.Scope {
	for _, o := range current() {
		s = o.Within(ctx, s)
	}
	return s
}

// Begun reports to all observers that a call is logged.
func Begun(ctx context.Context) {
	for _, o := range current() {
		o.Begun(ctx)
	}
}
