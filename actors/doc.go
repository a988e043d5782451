// Package actors contains the actors of the logger: shards, which route; a supervised actor for
// each session and trace; and the writer, which hands over their entries.
//
//	caller ─► inbox ─► shard ─► root (session or trace) ─► writer ─► Config.Out
//	                              └─► trace (state)
//
// [System] is the door: Tell sends a command to the actors of its route, Snapshot asks for the
// live state of a session or trace, EndOpen ends open entities, Dispatched waits for the writer,
// and Close stops everything. Package logger is the only user.
//
// # Order and loss
//
// Commands travel in batches. The root actor emits the entry of every command below its root key
// before it does anything else with the command. Entries of one root therefore keep the order of
// the calls, and a failure further down costs at most one update of a roll-up, never an entry.
// Entries of different roots have no order among each other.
//
// # Ownership
//
// No actor writes to the state of another; each of these is owned by one:
//
//	shard    which roots are live, in grace, draining or passive; messages for draining roots
//	session  its roll-up; the same of its traces
//	trace    its roll-up; which of its spans, generations and so on are open
//	writer   entries that Config.Out has not taken
//
// # Actors come and go
//
// A caller neither starts an actor nor sends to one: it puts a command into the inbox of the shard
// of its root key. The shard gets or starts the root actor, and a session does the same for its
// traces. As the only sender, each can also take an actor away without losing a message. They do so in two
// ways, both in keeper:
//
//   - A trace that has ended stays in grace, for late calls such as feedback. It leaves its grace
//     when too many others have ended since. Its actor has counted the batches it handled with
//     nothing left open; if that is the number of batches sent, its mailbox is empty and it is
//     given another trace at once.
//   - Any other idle actor is asked to passivate, and its messages are buffered until it answers. If
//     it declines, it receives them; if it accepts, they begin a new actor.
//
// A session that passivates while it is open leaves a record, from which its next actor continues.
//
// # Failures
//
// After a panic an actor goes on with its state and its mailbox as they are (see package
// supervisor). While it is suspended, System.onFailure emits the entry of the command to blame, if
// it was not emitted yet, so that the entry keeps its place. The actor then receives the rest of
// the batch. Whoever waits for an answer gets one.
//
// # Memory and time
//
// The ledger limits the bytes of entries, so mailboxes need no limits. Entries that the actors
// make themselves, the ends of entities that their callers left open, need room in the ledger like
// any other. An actor must not wait for room: it joins the waitlist, and goes on when it receives a
// Room.
//
// # Rules
//
// Nothing in an actor blocks, does I/O or calls the user's code.
package actors
