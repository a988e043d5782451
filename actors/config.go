package actors

import (
	"log/slog"
	"time"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// Config is what a System is made of. Everything without a default is required.
type Config struct {
	Ledger *ledger.Ledger
	// Out is called by the writer, from one goroutine at a time, with entries that were
	// accepted, in their order. It must not block, nor keep the slice. If it panics it
	// must have taken none of them: they are offered again.
	Out func([]messages.Entry)

	Workers int // goroutines that run actors
	Shards  int

	IdleAfter   time.Duration // without a call, a root with nothing open is passivated
	Linger      time.Duration // an ended trace keeps its state so long
	OrphanAfter time.Duration // without a call, what is open is ended; 0 means never

	// Sampled makes the entries that actors make name their commands.
	Sampled bool

	// Report is told what a user should know. It is called by actors, concurrently,
	// and must not block.
	Report func(Event)
	// Log receives the actor library's warnings; nil discards them.
	Log *slog.Logger
	// Fault, if set, is called by root actors before they handle a command; tests make
	// it panic.
	Fault func(*messages.Command)
}
