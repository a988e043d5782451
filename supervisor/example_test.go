package supervisor_test

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/supervisor"
)

// An actor that panics is reported and goes on with its next message.
func ExampleNewSystem() {
	done := make(chan struct{})
	sys := supervisor.NewSystem(supervisor.Options{
		Workers:   1,
		OnFailure: func(f supervisor.Failure) { fmt.Println("failed:", f.Reason, "at", f.Message) },
		OnDead:    func(message any) { fmt.Println("nobody handled", message) },
	})
	pid := sys.Spawn(sys.Props(func() actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			switch message := c.Message().(type) {
			case string:
				if message == "bad" {
					panic("cannot read it")
				}
				fmt.Println("handled:", message)
			case chan struct{}:
				close(message)
			}
		})
	}))
	sys.Send(pid, "one")
	sys.Send(pid, "bad")
	sys.Send(pid, "two")
	sys.Send(pid, done)
	<-done
	sys.Close()
	// Output:
	// handled: one
	// failed: cannot read it at bad
	// handled: two
}
