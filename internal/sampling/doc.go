// Package sampling decides which sessions and traces are logged.
//
// It stands between the writer of the actors and the sinks, so it sees every entry once, in
// order, and what it leaves out costs neither disk nor network. A head decision needs only
// the id of the session, or of a trace outside of sessions: it is the same in every process
// and for every line. A tail decision holds the lines of a trace in memory until the trace
// shows that it is worth keeping, or has ended and has not.
package sampling
