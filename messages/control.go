package messages

import (
	"sync/atomic"
	"time"
)

// Begin assigns a session or trace to an actor. It arrives before the first Commands, or as their
// Start.
type Begin struct {
	Route *Route
	// State is the record that a passivated actor left, or nil.
	State *Rollup
	// Finished is set by the trace actor after each batch: the number of batches handled since
	// Begin if the trace has ended with nothing open, else 0. A sender that has sent as many
	// knows that the actor has nothing left to do.
	Finished *atomic.Int64
}

// Sweep makes a shard, session or trace look for entities that are idle or must be ended.
type Sweep struct{ Now time.Time }

// Passivate asks an actor to free its memory. The actor answers Passivated. If it accepts, it
// keeps nothing, and the actor of a session stops. The asker is the actor's only sender, and
// must hold back further messages until the answer.
type Passivate struct {
	Owner Ref // of the actor that is asked
	Now   time.Time
}

// Passivated answers Passivate.
type Passivated struct {
	Owner    Ref
	Declined bool    // the actor holds open entities and goes on
	State    *Rollup // record of an open session; nil if nothing must be kept
}

// Inspect asks the owner of a route for a Snapshot.
type Inspect struct {
	Route *Route
	// Reply has room for one Snapshot. It is closed without a value if nobody owns the route.
	Reply chan<- Snapshot
}

// EndOpen ends the open entities below an owner that this process created, deepest first.
type EndOpen struct {
	// Route names the owner. In a message to a shard nil means every root; in a message to a
	// root or trace it means the receiver itself.
	Route *Route
	// Reason is written into the metadata of the ended entities as ended_by.
	Reason string
	// Done is called once all ends have been emitted, Close has no more time for them, or a
	// failure interrupted them. Calls after the first do nothing.
	Done func()
}

// EndedOpen reports to a shard or session that a root or trace is done with an EndOpen.
type EndedOpen struct {
	Owner Ref
	// Token is the receiver's record of the pass that it has asked for.
	Token any
}

// Room is sent to an actor when the ledger may have room for an end that it could not emit.
type Room struct{}

// Rollup is the state of a session or trace, and the record that a passivated session leaves.
type Rollup struct {
	Created        bool // this process created the entity
	Ended, Implied bool // an end was seen; the API added it (see Command.Implied)
	HandedOver     bool // EndOpen leaves it alone

	Failures int32           // error entities and failed results
	Begun    [Entities]int32 // entities created below it, by kind
	Entries  int64           // entries logged
	First    int64           // first activity, Unix microseconds; 0 if there was none
	Last     int64           // last activity, Unix microseconds; 0 if there was none
	Cost     *Cost           // sum of the model calls below it; nil if there were none
}

// Snapshot is the live state of a session or trace.
type Snapshot struct {
	Owner Ref
	Rollup
	Children []Ref // open children, oldest first
}
