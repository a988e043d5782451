package actors

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// Config is what a System is made of. Everything without a default is required.
type Config struct {
	Ledger *ledger.Ledger
	Queue  Queue
	Sender Sender

	// A batch is sent when it reaches Entries or Bytes, when its oldest entry is Age
	// old, or at once while a flush waits. A negative Age means: only by size or flush.
	BatchEntries int
	BatchBytes   int
	BatchAge     time.Duration

	Workers int // goroutines that run actors
	Shards  int

	IdleAfter   time.Duration // without a call, a root with nothing open is passivated
	Linger      time.Duration // an ended trace keeps its state so long
	OrphanAfter time.Duration // without a call, what is open is ended; 0 means never

	// Report is told what a user should know. It is called by actors, concurrently,
	// and must not block.
	Report func(Event)
	// Log receives the actor library's warnings; nil discards them.
	Log *slog.Logger
	// Fault, if set, is called by root actors before they handle a command; tests make
	// it panic.
	Fault func(*messages.Command)
}

// Queue is where the writer puts entries and the sender takes them from. Take and
// Waiting are called by the sender, the others by the writer; after both have
// stopped, Drain is called once. The queue keeps lines until they are discarded.
type Queue interface {
	Append(entries []messages.Entry)
	Discard(dst []messages.Entry, n int) []messages.Entry
	Take(dst []messages.Entry, maxEntries, maxBytes int) []messages.Entry
	Waiting() (entries, bytes int, oldest time.Time)
	Changed() <-chan struct{}
	Drain() []messages.Entry
}

// Sender delivers one batch. It may block until ctx ends, and is called by one
// goroutine at a time. It must not keep the entries.
type Sender interface {
	Send(ctx context.Context, entries []messages.Entry, attempt int) Verdict
}

// Verdict is what became of a batch.
type Verdict struct {
	Outcome Outcome
	// Wait is how long to pause before the next attempt, for Again.
	Wait time.Duration
	// Err is the reason, nil for Delivered. It holds no payload and no secret.
	Err error
}

// Outcome says what to do with a batch.
type Outcome uint8

// The outcomes of an attempt.
const (
	Delivered Outcome = iota // done
	Again                    // try the same batch again after Verdict.Wait
	Refused                  // never again: isolate the entry that is to blame
)
