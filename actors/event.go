package actors

import (
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/supervisor"
)

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events. The first four are doubtful calls: their entries are
// delivered all the same.
const (
	EndedTwice    EventKind = iota + 1 // Target was ended before
	AfterEnd                           // a write to Target, which has ended
	DuplicateID                        // Target was begun before
	UnknownParent                      // Target's parent is not known in its trace
	Panicked                           // an actor panicked; Failure says more
	Dropped                            // entries were given up before they were handed over; Err says why
)

// Event is something a user should know.
type Event struct {
	Kind    EventKind
	Target  messages.Ref
	Action  messages.Action
	Entries int // how many entries it is about
	Err     error
	Failure *supervisor.Failure
}
