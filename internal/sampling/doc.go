// Package sampling decides which sessions and traces are logged.
//
// A Sampler sits between the writer of the actors and the destinations. It sees every entry once
// and in order, and a dropped entry costs neither disk nor network.
//
// A head decision depends only on the id of the session, or of a trace outside sessions. It is
// the same in every process, so all parts of a distributed trace are logged or none. A tail
// decision holds the entries of a trace in memory until the trace gives a reason to be kept, or
// ends without one. Held entries are not on disk yet: a crash loses them, a Finish does not.
package sampling
