// Package arrivals checks the delivery of entries: it stamps each entry with a stream, a
// number and a checksum, and counts from the lines that reach a server which entries
// are lost, arrived twice, arrived out of order or were changed.
//
// A stream is the entries of one goroutine in one session, numbered from 0 without a
// gap. A Receiver is a server that takes lines and files and counts them in a Tally;
// lines that another server stored can be given to a Tally directly.
package arrivals
