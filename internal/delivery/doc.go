// Package delivery sends spooled entries and uploads to a server and counts every outcome.
//
// A [Destination] appends entries to its spool. Goroutines empty the spool: one sends lines in
// batches, in order and by default one at a time; one uploads the contents of attachments, and
// appends their lines to the others once the content is stored; and one adopts the slots of
// processes that died.
//
// # Guarantees
//
// An entry leaves the spool in one of three ways, and in no other: the server acknowledges it, it
// is stored as a dead letter, or it is dropped and counted with a reason. Failures that may pass
// are retried for ever. Lines are sent in the order in which they were appended. A batch is
// repeated with the same numbers, so a server that knows the numbers can drop the lines it has. A
// line is sent more than once only if an answer was lost or did not account for it, if a process
// died before its acknowledgement was on disk, or if a server rejected it together with others.
//
// The line of an attachment takes its place among the lines when the content is stored. A line
// that is too large for a batch is uploaded in its place; after three failures in a row it leaves
// the order, so that it does not hold up the others.
//
// # Answers
//
// The transport sorts answers into kinds, and actionFor maps each error to an action. A batch that
// is rejected is halved until one entry is left; an entry that is rejected alone, and again a
// second later, becomes a dead letter. If more than a fifth of the last thousand entries would
// become dead letters, the server is taken to be at fault, and sending pauses.
//
// A collector that accepts a batch and names the lines that it rejects is believed at once: each of
// these becomes a dead letter. If it names fewer lines than it counts, the batch is sent again
// in halves until every line is named; under the same numbers that stores nothing twice.
//
// A server that asks for a pause gets it, up to five minutes. A server that only a person can fix
// is asked once a minute. No flush shortens these waits; Close makes one last attempt.
//
// # Files
//
// destination.go is the door; drainer.go, lines.go, batch.go and uploads.go empty a slot;
// throttle.go and retry.go decide when and whether to try again; deadletter.go and acks.go
// record outcomes.
package delivery
