package transport

import "context"

// Backend is the receiving side of a destination: it takes batches of lines and stores
// files. [HTTP] is the Backend for a server that speaks the log protocol; another one may
// turn lines into something else, such as spans.
//
// # Concurrency
//
// All methods are called concurrently: Send from as many goroutines as the destination may
// have batches in flight (1 by default), Upload from up to four, and Order at any time. With
// one batch in flight, Send gets the lines of each log in their order, and a call begins only
// after the last one has returned. A destination empties its own log and, one at a time, the
// logs that dead processes left behind: their batches come in between, under another
// Batch.Spool.
//
// # Retries
//
// The caller retries, so each call is one attempt; it may contain a few quick repetitions, as a
// call of HTTP does. The error decides how the caller goes on:
//
//   - nil: the backend has every line of the batch, or the whole file. The entries then leave
//     the disk, so return nil only when they would survive the end of the process.
//   - an *[Error], which may be wrapped: its Kind decides, as the package comment lists. Only
//     Rejected, TooLarge and PartlyRefused can make dead letters of lines. Misconfigured
//     pauses delivery for [Pause].
//   - any other error counts as Retry: the same lines come again after [Backoff], for ever.
//
// Lines that are retried have the same numbers as before (Batch.Spool and Batch.First),
// though batches may be cut in other places: a Backend can recognise the lines it has. Lines may
// also come again after nil, if the process dies before the acknowledgement is on disk.
//
// A panic is contained, counted, and treated as an error of kind Retry.
//
// # Contexts and closing
//
// The context of a call ends when the time for closing the destination is over. It has no deadline
// before that: a Backend limits its own waits. When the context ends, the call must return at once. The
// destination waits for it for 50 ms and then abandons it. Entries of a call that failed stay in the
// spool for the next process. A call that begins after that has a context that has ended.
//
// The destination does not close its Backend. Whoever made the Backend releases its
// connections, after the destination is closed; if that happens too early, calls fail and the
// entries stay in the spool.
type Backend interface {
	// Send delivers a batch of at least one line. It must neither change b.Body nor keep any part
	// of it after it has returned: the caller reuses the memory for the next batch.
	Send(ctx context.Context, b Batch) error
	// Upload stores a file under its key, in place of a file that had the key before. It must
	// close the reader that f.Open returned before it returns itself. A Backend without a place
	// for files returns nil, and gets the line about the file afterwards all the same. An error
	// that matches [ErrNoContent] blames the file: it is tried once more and then becomes a dead letter.
	Upload(ctx context.Context, f File) error
	// Order returns the order into which the backend puts lines that are sent concurrently, as
	// far as it is known. It is asked before each round of batches and must not block. While it
	// is Unknown, or with one batch in flight, batches are sent one after the other.
	Order() Order
}

// HTTP is the Backend of a destination with a BaseURL.
var _ Backend = (*HTTP)(nil)
