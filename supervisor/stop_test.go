package supervisor_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/supervisor"
)

// receive returns Props of an actor that handles messages of type int.
func receive(sys *supervisor.System, handle func(c actor.Context, n int)) *actor.Props {
	return sys.Props(func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			if n, ok := c.Message().(int); ok {
				handle(c, n)
			}
		})
	})
}

func TestStopReportsEachQueuedMessageOnce(t *testing.T) {
	const queued = 1000
	var mu sync.Mutex
	var dead []int
	all := make(chan struct{})
	sys := supervisor.NewSystem(supervisor.Options{
		Workers:   2,
		OnFailure: func(f supervisor.Failure) { t.Errorf("failure %v", f) },
		OnDead: func(m any) {
			mu.Lock()
			defer mu.Unlock()
			if n, ok := m.(int); ok {
				if dead = append(dead, n); len(dead) == queued+1 {
					close(all)
				}
			}
		},
	})
	defer sys.Close()
	begun, release := make(chan struct{}), make(chan struct{})
	pid := sys.Spawn(receive(sys, func(_ actor.Context, n int) {
		if n != 0 {
			t.Errorf("message %d is handled after Stop", n)
		}
		close(begun)
		<-release
	}))
	sys.Send(pid, 0)
	<-begun
	for n := range queued {
		sys.Send(pid, n+1)
	}
	sys.Stop(pid)
	close(release)
	awaitStop(sys, pid)
	sys.Send(pid, queued+1)
	<-all
	mu.Lock()
	defer mu.Unlock()
	// The late message is reported by its sender, which may overtake the queued ones.
	inTime := slices.DeleteFunc(slices.Clone(dead), func(n int) bool { return n == queued+1 })
	if !slices.IsSorted(inTime) || len(inTime) != queued || inTime[0] != 1 || inTime[queued-1] != queued {
		t.Errorf("messages are reported out of order or twice: %v", dead)
	}
}

// awaitStop waits until an actor has stopped.
func awaitStop(sys *supervisor.System, pid *actor.PID) {
	stopped := make(chan struct{})
	sys.Spawn(sys.Props(func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			switch c.Message().(type) {
			case *actor.Started:
				c.Watch(pid)
			case *actor.Terminated:
				close(stopped)
			}
		})
	}))
	<-stopped
}

func TestOneFloodedActorDoesNotStarveAnother(t *testing.T) {
	done := make(chan struct{})
	sys := supervisor.NewSystem(supervisor.Options{Workers: 1, OnFailure: func(supervisor.Failure) {}, OnDead: func(any) {}})
	defer sys.Close()
	flooded := sys.Spawn(receive(sys, func(c actor.Context, n int) { c.Send(c.Self(), n) })) // for ever
	other := sys.Spawn(receive(sys, func(actor.Context, int) { close(done) }))
	sys.Send(flooded, 1)
	sys.Send(other, 1)
	<-done
}

func TestALostWorkerLosesAndReordersNothing(t *testing.T) {
	const messages = 2000
	var mu sync.Mutex
	var handled []int
	failures := 0
	all := make(chan struct{})
	sys := supervisor.NewSystem(supervisor.Options{
		Workers: 1, // the only one is lost again and again
		OnFailure: func(f supervisor.Failure) {
			failures++
			if f.Reason != "runtime.Goexit" || len(f.Stack) == 0 {
				t.Errorf("failure %v with %d bytes of stack", f.Reason, len(f.Stack))
			}
		},
		OnDead: func(m any) { t.Errorf("message %v is reported dead", m) },
	})
	pid := sys.Spawn(receive(sys, func(_ actor.Context, n int) {
		mu.Lock()
		defer mu.Unlock()
		if handled = append(handled, n); n == messages-1 {
			close(all)
		}
		if n%7 == 0 {
			runtime.Goexit()
		}
	}))
	for n := range messages {
		sys.Send(pid, n)
	}
	<-all
	sys.Close()
	if len(handled) != messages || !slices.IsSorted(handled) {
		t.Errorf("%d of %d messages handled, in order: %v", len(handled), messages, slices.IsSorted(handled))
	}
	if want := (messages + 6) / 7; failures != want {
		t.Errorf("%d failures reported, want %d", failures, want)
	}
}

func TestAFailureNamesTheSenderThatWaits(t *testing.T) {
	failures := make(chan supervisor.Failure, 1)
	sys := supervisor.NewSystem(supervisor.Options{
		Workers: 1, OnFailure: func(f supervisor.Failure) { failures <- f }, OnDead: func(any) {},
	})
	defer sys.Close()
	failing := sys.Spawn(receive(sys, func(actor.Context, int) { panic("broken") }))
	asker := sys.Spawn(receive(sys, func(c actor.Context, n int) { c.Request(failing, n) }))
	sys.Send(asker, 7)
	f := <-failures
	if f.Message != 7 || f.Asker == nil || f.Asker.Id != asker.Id {
		t.Errorf("failure of message %v, asked by %v; want 7 by %v", f.Message, f.Asker, asker)
	}
	if got, want := f.Error(), "actor panicked: broken"; got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
}

func TestPanicsInOnDeadAreCounted(t *testing.T) {
	sys := supervisor.NewSystem(supervisor.Options{
		Workers:   1,
		OnFailure: func(supervisor.Failure) {},
		OnDead: func(m any) {
			if _, ours := m.(int); ours { // the library's messages to a stopped actor are reported too
				panic("broken")
			}
		},
	})
	defer sys.Close()
	pid := sys.Spawn(receive(sys, func(actor.Context, int) {}))
	sys.Stop(pid)
	awaitStop(sys, pid)
	for range 3 {
		sys.Send(pid, 1)
	}
	if got := sys.Swallowed(); got != 3 {
		t.Errorf("%d panics counted, want 3", got)
	}
}
