// Package delivery brings what waits in a spool to a server, and keeps the account of
// it.
//
// A [Sink] is one destination. It appends entries to its spool and has goroutines that
// empty it: one posts lines in batches, one at a time and in order; one uploads the
// contents of attachments, whose lines it appends to the others once the content is
// stored; and one adopts what processes that died have left for the same destination.
//
// # What is guaranteed
//
// An entry leaves the spool by an acknowledgement of the server, by the dead letters, or
// by a drop that is counted with its reason, and in no other way. Whatever can be tried
// again is tried for ever. Lines are sent in the order in which they were appended; a
// batch is repeated with the same numbers, so that a server which knows them can drop
// what it has. A line is sent more than once only where an answer was lost or did not
// account for it, a process died before its acknowledgement was on disk, or a server
// refused it in company.
//
// The line of an attachment takes its place among the lines when the content is stored,
// and that of a line too large for a batch when it could be uploaded in place: after
// three failures in a row it is taken out of the order, so that it holds up nobody.
//
// # What is done about answers
//
// The transport sorts answers into kinds; remedyFor says what follows from them. A
// batch that is refused is halved until one entry stands alone; what is refused alone,
// and a second time a second later, becomes a dead letter. Where more than a fifth of
// the last thousand entries would become dead letters, the server is to blame: then
// sending pauses. A collector that takes a batch and names the lines that it refuses is
// believed at once: each of these becomes a dead letter. Where it names fewer than it
// counts, the batch is sent again in halves, which under the same numbers doubles
// nothing, until every one is named.
//
// A server that asks to be left alone is, up to five minutes, and one that only a person
// can mend is asked once a minute. No flush changes that; Close makes one attempt.
package delivery
