package modelcall

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/troupelog/troupe/logger"
)

// observer records its calls under a name.
type observer struct {
	name  string
	calls *[]string
}

func (o *observer) Within(_ context.Context, s logger.Scope) logger.Scope {
	*o.calls = append(*o.calls, o.name+" within")
	return s
}

func (o *observer) Begun(context.Context) { *o.calls = append(*o.calls, o.name+" begun") }

func TestObserversAreAskedInOrderUntilTheyStop(t *testing.T) {
	var calls []string
	stopA := Observe(&observer{"a", &calls})
	stopB := Observe(&observer{"b", &calls})
	Within(t.Context(), logger.Scope{})
	Begun(t.Context())
	stopA()
	stopA() // a second call does nothing
	Within(t.Context(), logger.Scope{})
	stopB()
	Begun(t.Context())
	if want := []string{"a within", "b within", "a begun", "b begun", "b within"}; !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

// idle is an observer without fields to write: it may be called concurrently.
type idle struct{ _ int }

func (*idle) Within(_ context.Context, s logger.Scope) logger.Scope { return s }

func (*idle) Begun(context.Context) {}

func TestObserversComeAndGoDuringCalls(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				stop := Observe(&idle{})
				Within(t.Context(), logger.Scope{})
				Begun(t.Context())
				stop()
			}
		})
	}
	all.Wait()
	if left := current(); len(left) != 0 {
		t.Errorf("%d observers are left after all have stopped", len(left))
	}
}
