package actors

import (
	"log/slog"
	"time"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// Config configures a System. There are no defaults: everything is required that is not
// described as optional.
type Config struct {
	// Ledger admits the entries that the actors make themselves, and counts the entries that
	// have been handed over. Close closes it.
	Ledger *ledger.Ledger
	// Out takes accepted entries in their order. The writer calls it, from one goroutine at a
	// time. It must neither block nor keep the slice. If it panics it must have taken none of
	// the entries: they are offered again, and discarded after three panics in a row.
	Out func([]messages.Entry)

	Workers int // number of goroutines that run actors
	Shards  int // number of shards; at least 1

	IdleAfter    time.Duration // a root with nothing open passivates after so long without a call
	Grace        time.Duration // a trace that has ended keeps its actor for at least so long, unless there are too many
	AutoEndAfter time.Duration // open entities are ended after so long without a call; 0 means never

	// Sampled attaches the originating Command to every Entry, for the sampler.
	Sampled bool

	// Report is called with everything a user should know. Actors call it, concurrently; it
	// must not block.
	Report func(Event)
	// Log receives the warnings of the actor library. Optional: nil discards them.
	Log *slog.Logger
	// Fault is called by root and trace actors before they handle a command. Optional: tests
	// make it panic.
	Fault func(*messages.Command)
}
