// Package supervisor is the failure policy of the logger and the quiet actor
// system it applies to. Together with package actors it is the only place that
// imports protoactor-go.
//
// The rules, and why they differ from the library's defaults:
//
//   - One strategy, shared by every actor: resume, and hand the failing message to
//     whoever started the system. A restart would stop children and lose their
//     queues; a stop would lose what is queued behind it.
//   - Every actor is spawned at the top, under that strategy. Who is below whom is
//     a matter of routing: the library's child sets keep stopped children reachable.
//   - An own mailbox: it loses nothing when its actor stops, queues until its actor
//     is ready, survives runtime.Goexit, and gives the memory of a burst back.
//   - An own dispatcher: a fixed set of workers that keep their grown stacks, in
//     place of a new goroutine per wake-up.
//   - Quiet: the library's own log goes to the logger given or nowhere, because it
//     prints message values.
//
// Nothing an actor does may block: no I/O, no user callback, no wait.
package supervisor
