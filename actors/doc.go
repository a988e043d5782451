// Package actors holds the moving parts of the logger: shards that route, a
// supervised actor for every session and trace, and the writer that gathers what they
// emit and hands it over.
//
//	caller ─► inbox ─► shard ─► root (session or trace) ─► writer ─► Config.Out
//	                              └─► trace (state)
//
// Commands travel in lists. The root actor emits the entry of every command below its
// root key, before anything else happens to the command: entries of one root keep the
// order of the calls, and a failure further down costs at most a roll-up.
//
// Who owns what:
//
//	shard    which roots are live, idle, passive; held-back commands of a passivating root
//	session  its roll-up; its trace actors
//	trace    its roll-up; which of its spans, generations, … are open
//	writer   what it gathered and did not hand over yet
//
// Nothing here calls the user's code or blocks.
package actors
