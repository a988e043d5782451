package actors

import (
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/supervisor"
)

// EventKind is the kind of an Event.
type EventKind uint8

// The kinds of events. The first four are suspicious calls: their entries are delivered all the
// same.
const (
	EndedTwice    EventKind = iota + 1 // Target had been ended before
	AfterEnd                           // a write to Target, which has ended
	DuplicateID                        // Target had been created before
	UnknownParent                      // the parent of the new entity is not known in its trace
	Panicked                           // an actor panicked; see Failure
	Dropped                            // entries were discarded before Out took them; see Err
)

// Event is something that a user should know.
type Event struct {
	Kind    EventKind
	Target  messages.Ref // zero if no single call is concerned
	Action  messages.Action
	Entries int                 // number of entries concerned
	Err     error               // of Dropped
	Failure *supervisor.Failure // of Panicked
}
