package messages

import "time"

// Entry is what an actor emits for the writer: one finished line.
type Entry struct {
	// Line is the encoded line without its newline. Nobody writes to it.
	Line []byte
	// Epoch is the flush epoch the ledger admitted the entry in.
	Epoch uint64
	// Quarantined is set when the actor failed before it could emit the entry,
	// so that the supervisor emitted it instead.
	Quarantined bool
}

// Usage is the token count of a model call.
type Usage struct {
	Input, Output, Total, Cached, Reasoning int64
}

// Add adds u to the receiver.
func (s *Usage) Add(u Usage) {
	s.Input += u.Input
	s.Output += u.Output
	s.Total += u.Total
	s.Cached += u.Cached
	s.Reasoning += u.Reasoning
}

// Command is one call of the API, sent to the actors that own its entity. Its
// entry is complete; the other fields are the facts that the actors keep state
// by, so that no actor parses JSON.
type Command struct {
	Entry  Entry
	Route  *Route
	Target Ref    // the entity the line addresses
	Action Action // what the line does to it

	// Child is the entity that the command begins; zero if it begins none.
	Child Ref
	// Parent is the entity that Child hangs below; zero if it is the owner itself.
	Parent Ref
	// Implied marks an end that the API added after a result or an error: a later
	// explicit end is not a mistake of the caller.
	Implied bool
	// HandOver exempts Target from finalisation.
	HandOver bool
	// Failed marks an error result.
	Failed bool
	// Emitted is set by the root actor when the entry is on its way to the writer,
	// so that a failure after that does not emit it again. Only the actor that
	// handles the command, or its supervisor, touches it.
	Emitted bool

	At    time.Time // when the call was made
	Usage *Usage    // tokens of a result, nil if unknown
	Cost  float64   // US dollars of an add-cost, or 0
}
