package messages

import "github.com/troupelog/troupe/internal/protocol"

// Entity and Action are the kinds and actions of the log protocol.
type (
	Entity = protocol.Kind
	Action = protocol.Action
)

// The kinds of entities. Unknown is the zero value.
const (
	Unknown    = protocol.Unknown
	Session    = protocol.Session
	Trace      = protocol.Trace
	Span       = protocol.Span
	Generation = protocol.Generation
	Retrieval  = protocol.Retrieval
	ToolCall   = protocol.ToolCall
	Error      = protocol.Error
)

// Entities is the number of kinds, Unknown included: the length of an array indexed by one.
const Entities = protocol.NumKinds

// The actions that the client writes. None is the zero value; a command without an action
// carries no entry.
const (
	None          = protocol.None
	Create        = protocol.Create
	Update        = protocol.Update
	End           = protocol.End
	Result        = protocol.Result
	Fail          = protocol.Fail
	AddSpan       = protocol.AddSpan
	AddGeneration = protocol.AddGeneration
	AddRetrieval  = protocol.AddRetrieval
	AddToolCall   = protocol.AddToolCall
	AddError      = protocol.AddError
	AddEvent      = protocol.AddEvent
	AddFeedback   = protocol.AddFeedback
	AddAttachment = protocol.AddAttachment
	AddCost       = protocol.AddCost
	Evaluate      = protocol.Evaluate
)

// Ref names one entity. It is comparable and usable as a map key.
type Ref struct {
	Entity Entity
	ID     string
}

// Route says which actors own an entity. One Route is shared by a trace and
// everything below it; it never changes after it was made.
type Route struct {
	// Root is the root key: the session, or the trace itself (or, for an entity
	// of another process, that entity) where there is no session.
	Root Ref
	// Trace is the trace that owns the entity, the zero Ref for the session itself.
	Trace Ref
	// Within is the id of the session that the root is part of in another process, "" for
	// none that is known. It decides on sampling in the root's place, as it does there.
	Within string

	// Given are the ids of Root and Trace as the caller gave them, nil if lines carry both
	// as they were given.
	Given *Given

	// Lane is LaneOf(Root).
	Lane uint16

	// RootAt and TraceAt are where the actors keep what they found for the route the last
	// time: RootAt belongs to the shard of Root, TraceAt to the actor of Root.
	RootAt, TraceAt any
}

// Given holds ids as the caller gave them, each nil if it is the id in lines.
type Given struct{ Root, Trace *string }

// NewRoute returns the route to the actors of a root, and of a trace below it, the zero
// Ref for the root itself.
func NewRoute(root, trace Ref) *Route { return &Route{Root: root, Trace: trace, Lane: LaneOf(root)} }

// LaneOf returns the lane of a root's entries: those of one lane are delivered in their
// order. It is the same in every process, since entries outlive theirs: FNV-1a of the
// id, with 32 bits folded into 16.
func LaneOf(root Ref) uint16 {
	const offset, prime = 2166136261, 16777619
	hash := uint32(offset)
	for i := range len(root.ID) {
		hash = (hash ^ uint32(root.ID[i])) * prime
	}
	return uint16(hash>>16) ^ uint16(hash)
}

// Leads reports whether two routes lead to the same owner.
func (r *Route) Leads(to *Route) bool { return r == to || r.Root == to.Root && r.Trace == to.Trace }

// Owner returns the actor that keeps the state of the route's entities.
func (r *Route) Owner() Ref {
	if r.Trace.Entity != Unknown {
		return r.Trace
	}
	return r.Root
}
