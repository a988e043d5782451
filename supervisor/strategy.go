package supervisor

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
)

// Failure describes a panic, or a runtime.Goexit, in an actor.
type Failure struct {
	Reason  any        // the value of the panic; "runtime.Goexit" for a call of that
	Stack   []byte     // the stack of the goroutine, down to the panic
	Message any        // the message that the actor was handling, without its envelope
	Asker   *actor.PID // the sender that waits for an answer; nil if there is none
}

// Error describes the failure without the message, which may be confidential.
func (f Failure) Error() string { return fmt.Sprintf("actor panicked: %v", f.Reason) }

// strategy resumes every actor after every failure. There must be one per system, used by
// pointer: the library keeps a guardian for each distinct strategy value.
type strategy struct{ sys *System }

// HandleFailure reports a failure and resumes the actor. It runs in the deferred function that
// recovered the panic, so the stack still shows where it began. The actor stays suspended until
// HandleFailure returns: entries that OnFailure emits precede the actor's next ones.
func (s *strategy) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason, message any) {
	defer supervisor.ResumeChildren(child)
	defer s.sys.recovered()
	_, inner, asker := actor.UnwrapEnvelope(message)
	s.sys.opts.OnFailure(Failure{Reason: reason, Stack: debug.Stack(), Message: inner, Asker: asker})
}
