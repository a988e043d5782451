package supervisor

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
)

// Failure is a panic in an actor.
type Failure struct {
	Reason  any        // the value of the panic
	Stack   []byte     // the stack of the panic
	Message any        // the message the actor was given
	Asker   *actor.PID // who expects an answer to it, or nil
}

// Error describes the failure without the message.
func (f Failure) Error() string { return fmt.Sprintf("actor panicked: %v", f.Reason) }

// strategy resumes every actor after every failure. It is used by pointer: the
// library keeps one guardian per strategy value.
type strategy struct{ sys *System }

// HandleFailure runs inside the recover of the failing actor's worker, so the stack
// still shows the panic. The actor is suspended until it returns: what OnFailure
// emits goes out before the actor's next entry.
func (s *strategy) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason, message any) {
	defer supervisor.ResumeChildren(child)
	defer s.sys.recovered()
	_, inner, asker := actor.UnwrapEnvelope(message)
	s.sys.opts.OnFailure(Failure{Reason: reason, Stack: debug.Stack(), Message: inner, Asker: asker})
}
