// Package modelcall lets others know of the calls of models that package llm logs, so that
// a call which they see as well is logged once, and in its place.
package modelcall

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupelog/troupe/logger"
)

// Observer is who else sees calls of models. Its methods are called with the context of
// the request, from any goroutine.
type Observer interface {
	// Within returns what the call is part of: s, which the context says, or something in
	// it that the observer knows of.
	Within(ctx context.Context, s logger.Scope) logger.Scope
	// Begun says that the call is logged.
	Begun(ctx context.Context)
}

var (
	mu        sync.Mutex
	observers atomic.Pointer[[]Observer] // replaced with mu held, never changed
)

// Observe tells o of calls until stop is called.
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

func current() []Observer {
	if all := observers.Load(); all != nil {
		return *all
	}
	return nil
}

// Within returns what a call is part of, where its context says s.
func Within(ctx context.Context, s logger.Scope) logger.Scope {
	for _, o := range current() {
		s = o.Within(ctx, s)
	}
	return s
}

// Begun tells the observers that a call is logged.
func Begun(ctx context.Context) {
	for _, o := range current() {
		o.Begun(ctx)
	}
}
