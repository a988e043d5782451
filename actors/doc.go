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
// # Rules
//
// Nothing in an actor blocks, does I/O or calls the user's code. After a panic an actor goes on
// with its state as it is: see package supervisor.
package actors
