package messages

import (
	"sync/atomic"
	"time"
)

// Begin is the first message of a session or trace actor, alone or with its first
// Commands.
type Begin struct {
	Route *Route
	// State is the compact state of a passivated incarnation, nil for a new one.
	State *Rollup
	// Settled is where a trace says, after each Commands, how many of them it has had, if
	// it has ended and nothing is open in it, and 0 otherwise.
	Settled *atomic.Int64
}

// Sweep makes a shard, a session or a trace look for idle and orphaned entities.
type Sweep struct{ Now time.Time }

// Passivate asks an actor to give up its memory. It answers Passivated and stops
// itself, or declines because it holds open children. Whoever asks is the
// actor's only sender and holds back further messages until the answer.
type Passivate struct {
	Owner Ref // of the actor that is asked
	Now   time.Time
}

// Passivated answers Passivate.
type Passivated struct {
	Owner    Ref
	Declined bool
	State    *Rollup // nil when nothing is worth keeping
}

// Inspect asks the owner of a route for a Snapshot on a channel with room for
// one. The channel is closed without a value when nobody owns the route.
type Inspect struct {
	Route *Route
	Reply chan<- Snapshot
}

// Finalise ends what this process left open below an owner, deepest first.
type Finalise struct {
	// Route names the owner; nil means everything.
	Route *Route
	// Reason goes into the ended entities' metadata as ended_by.
	Reason string
	// Done is called when the last end has been emitted, when Close has no more time for
	// ends, or when a failure cut the round short; calls after the first do nothing.
	Done func()
}

// Finalised tells a shard or a session that a root or trace has ended what was open in it.
type Finalised struct {
	Owner Ref
	// Token is the receiver's own record of the round.
	Token any
}

// Room tells an actor that the ledger may have room for an end that it could not make.
type Room struct{}

// Rollup is the state of a session or trace that outlives its passivated actor.
type Rollup struct {
	// Created says that this process created the entity itself.
	Created bool
	// Ended says that an end was seen; Implied, that the API added it (see Command).
	Ended, Implied bool
	// HandedOver exempts the entity from finalisation.
	HandedOver bool

	Failures int32           // error entities and failed results
	Begun    [Entities]int32 // entities begun below it, by kind
	Entries  int64           // entries logged
	First    int64           // first activity, Unix microseconds, 0 if none
	Last     int64           // last activity, Unix microseconds, 0 if none
	Spent    *Spent          // nil if nothing was
}

// Spent is what the model calls below a session or trace used up.
type Spent struct {
	Usage Usage
	Cost  float64 // US dollars
}

// Snapshot is the live state of a session or trace.
type Snapshot struct {
	Owner Ref
	Rollup
	Children []Ref // open children, oldest first
}
