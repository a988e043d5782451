// Package supervisor is the failure policy of the logger, and the actor system that the policy
// applies to. Only this package and package actors import protoactor-go.
//
//	sys := supervisor.NewSystem(supervisor.Options{
//		Workers:   4,
//		OnFailure: func(f supervisor.Failure) { … }, // an actor panicked; it goes on
//		OnDead:    func(message any) { … },          // a message that nobody will handle
//	})
//	defer sys.Close()
//	pid := sys.Spawn(sys.Props(newActor))
//	sys.Send(pid, message)
//
// # Failures
//
// One strategy serves all actors: a failed actor resumes with its next message, and the failing
// message goes to OnFailure first. The library's defaults would lose data: a restart stops the
// children of an actor and drops their queues, and a stop drops the queue of the actor itself.
// A message that is [Resumable] is given to the actor again until it is finished.
//
// runtime.Goexit in an actor counts as a failure too. It ends the worker's goroutine, and
// another one takes over the rest of the queue in the same order.
//
// # Order and loss
//
// Messages of one sender to one actor arrive in the order in which they were sent. Each message
// is handled, or reported to OnDead, or still queued when the system closes; it is never
// dropped. The [Mailbox] guarantees this: it accepts messages before its actor is ready, and
// hands over the queue of an actor that stops.
//
// # Differences from the library
//
//   - All actors are spawned at the top, under the one strategy. Their hierarchy is a matter of
//     routing, because the library's sets of children keep stopped children reachable.
//   - A dedicated dispatcher runs mailboxes on a fixed number of workers, which keep their grown
//     stacks. The library starts a goroutine for each wake-up.
//   - The mailbox returns the memory of a burst: an idle actor costs 64 bytes of queue.
//   - The library's log goes to Options.Log from level Warn on, as message text without
//     attributes: those print message values, which hold the prompts of users.
//
// Actors must not block: no I/O, no callback of a user, no waiting. A blocked actor holds one of
// the few workers.
package supervisor
