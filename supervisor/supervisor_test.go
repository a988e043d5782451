package supervisor_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/troupelog/troupe/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// say is a message of sender from, number n.
type say struct{ from, n int }

// listener counts its messages and checks the order per sender. It fails on
// messages its panics function picks.
type listener struct {
	t      *testing.T
	last   map[int]int
	got    atomic.Int64
	panics func(*say) bool
	exits  func(*say) bool
	all    *sync.WaitGroup
}

func (l *listener) Receive(c actor.Context) {
	m, ok := c.Message().(*say)
	if !ok {
		return
	}
	defer l.all.Done()
	if last, seen := l.last[m.from]; seen && m.n <= last {
		l.t.Errorf("sender %d: message %d came after %d", m.from, m.n, last)
	}
	l.last[m.from] = m.n
	l.got.Add(1)
	if l.panics != nil && l.panics(m) {
		panic("on purpose")
	}
	if l.exits != nil && l.exits(m) {
		runtime.Goexit()
	}
}

func TestNothingIsLostAndOrderIsKept(t *testing.T) {
	const senders, each = 8, 5000
	tests := map[string]struct {
		panics, exits func(*say) bool
		failures      int64
	}{
		"quiet":      {},
		"panics":     {panics: func(m *say) bool { return m.n%100 == 0 }, failures: senders * each / 100},
		"goroutines": {exits: func(m *say) bool { return m.n%500 == 0 }, failures: senders * each / 500},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var failures, dead atomic.Int64
			sys := supervisor.NewSystem(supervisor.Options{
				Workers:   4,
				OnFailure: func(supervisor.Failure) { failures.Add(1) },
				OnDead:    func(any) { dead.Add(1) },
			})
			defer sys.Close()
			var all sync.WaitGroup
			all.Add(senders * each)
			l := &listener{t: t, last: map[int]int{}, panics: test.panics, exits: test.exits, all: &all}
			pid := sys.Spawn(sys.Props(func() actor.Actor { return l }))
			for from := range senders {
				go func() {
					for n := range each {
						sys.Send(pid, &say{from, n})
					}
				}()
			}
			all.Wait()
			if got := l.got.Load(); got != senders*each || dead.Load() != 0 {
				t.Errorf("%d of %d messages handled, %d dead", got, senders*each, dead.Load())
			}
			if failures.Load() != test.failures {
				t.Errorf("%d failures reported, want %d", failures.Load(), test.failures)
			}
		})
	}
}

func TestAFailureIsReportedBeforeTheNextMessage(t *testing.T) {
	var all sync.WaitGroup
	all.Add(2)
	var reported supervisor.Failure
	var handledBefore int64 = -1
	l := &listener{t: t, last: map[int]int{}, panics: func(m *say) bool { return m.n == 1 }, all: &all}
	sys := supervisor.NewSystem(supervisor.Options{
		Workers: 1,
		OnFailure: func(f supervisor.Failure) {
			reported, handledBefore = f, l.got.Load()
			panic("a failing hook is contained too")
		},
		OnDead: func(any) {},
	})
	pid := sys.Spawn(sys.Props(func() actor.Actor { return l }))
	sys.Send(pid, &say{0, 1})
	sys.Send(pid, &say{0, 2})
	all.Wait()
	sys.Close()
	if m, ok := reported.Message.(*say); !ok || m.n != 1 {
		t.Errorf("reported message %v, want number 1", reported.Message)
	}
	if reported.Reason != "on purpose" || len(reported.Stack) == 0 {
		t.Errorf("reported reason %v with %d bytes of stack", reported.Reason, len(reported.Stack))
	}
	if handledBefore != 1 {
		t.Errorf("%d messages were handled before the failure was reported, want 1", handledBefore)
	}
	if sys.Swallowed() != 1 {
		t.Errorf("%d panics swallowed, want 1", sys.Swallowed())
	}
}

func TestMessagesForAStoppedActorAreHandedBack(t *testing.T) {
	const senders, each = 4, 5000
	var handled, dead atomic.Int64
	var all sync.WaitGroup
	all.Add(senders * each)
	sys := supervisor.NewSystem(supervisor.Options{
		Workers:   4,
		OnFailure: func(supervisor.Failure) {},
		OnDead: func(m any) {
			if _, ok := m.(*say); ok {
				dead.Add(1)
				all.Done()
			}
		},
	})
	defer sys.Close()
	pid := sys.Spawn(sys.Props(func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			if _, ok := c.Message().(*say); ok {
				if handled.Add(1) == each {
					c.Stop(c.Self())
				}
				all.Done()
			}
		})
	}))
	for from := range senders {
		go func() {
			for n := range each {
				sys.Send(pid, &say{from, n})
			}
		}()
	}
	all.Wait()
	if handled.Load()+dead.Load() != senders*each || dead.Load() == 0 {
		t.Errorf("%d handled + %d handed back, want %d together", handled.Load(), dead.Load(), senders*each)
	}
}

func TestNilIsIgnored(t *testing.T) {
	sys := supervisor.NewSystem(supervisor.Options{Workers: 1, OnFailure: func(supervisor.Failure) {}, OnDead: func(any) {}})
	defer sys.Close()
	sys.Send(nil, &say{})
	sys.Send(sys.Spawn(sys.Props(func() actor.Actor { return actor.ReceiveFunc(func(actor.Context) {}) })), nil)
	sys.Stop(nil)
}

func TestCloseTwice(t *testing.T) {
	sys := supervisor.NewSystem(supervisor.Options{Workers: 2, OnFailure: func(supervisor.Failure) {}, OnDead: func(any) {}})
	sys.Close()
	sys.Close()
}
