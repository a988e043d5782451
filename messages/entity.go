package messages

// Entity is a kind of thing that is logged.
type Entity uint8

// The entities of the Maxim log protocol. Unknown is the zero value.
const (
	Unknown Entity = iota
	Session
	Trace
	Span
	Generation
	Retrieval
	ToolCall
	Error
	numEntities
)

// Entities is the number of entity kinds, Unknown included: the length of an
// array indexed by Entity.
const Entities = int(numEntities)

var entityNames = [Entities]string{"unknown", "session", "trace", "span", "generation", "retrieval", "tool_call", "error"}

// String returns the entity's name on the wire.
func (e Entity) String() string {
	if int(e) < len(entityNames) {
		return entityNames[e]
	}
	return entityNames[Unknown]
}

// Action is what a line does to its entity.
type Action uint8

// The actions of the Maxim log protocol. None is the zero value; a command
// without an action carries no entry.
const (
	None Action = iota
	Create
	Update
	End
	Result
	Fail
	AddSpan
	AddGeneration
	AddRetrieval
	AddToolCall
	AddError
	AddEvent
	AddFeedback
	AddAttachment
	AddCost
	Evaluate
	numActions
)

var actionNames = [numActions]string{
	"none", "create", "update", "end", "result", "error", "add-span", "add-generation",
	"add-retrieval", "add-tool-call", "add-error", "add-event", "add-feedback", "add-attachment", "add-cost", "evaluate",
}

// String returns the action's name on the wire.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return actionNames[None]
}

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
