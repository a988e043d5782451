package messages

import "github.com/troupelog/troupe/internal/protocol"

// Entity is the kind of an entity in the log protocol.
type Entity = protocol.Kind

// Action is the operation of a line on its entity.
type Action = protocol.Action

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

// Entities is the number of kinds, including Unknown: the length of an array that is indexed by
// Entity.
const Entities = protocol.NumKinds

// The actions that the client writes. None is the zero value: a command without an action has no
// entry.
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

// Ref names one entity. It is comparable, so it can be the key of a map.
type Ref struct {
	Entity Entity
	ID     string
}

// Route names the actors that own an entity. A trace and everything below it share one Route. It
// is immutable, except for RootAt and TraceAt.
type Route struct {
	// Root is the root key: the session, or the trace itself if it is in no session. For an
	// entity of another process whose root is not known, it is that entity.
	Root Ref
	// Trace is the trace that owns the entity; zero for the session itself.
	Trace Ref
	// SessionHint is the id of the session that the root is part of in another process, or "". It
	// replaces the root's id when sampling decides, so that all processes decide alike.
	SessionHint string

	// Given holds the ids of Root and Trace as the caller gave them; nil if lines carry both
	// unchanged.
	Given *Given

	// OrderKey is OrderKeyOf(Root).
	OrderKey uint16

	// RootAt and TraceAt cache the records that actors have found for the route. RootAt is owned
	// by the shard of Root, TraceAt by the actor of Root.
	RootAt, TraceAt any
}

// Given holds ids as the caller gave them; each is nil if lines carry it unchanged.
type Given struct{ Root, Trace *string }

// NewRoute returns the route to a trace below a root, or to the root itself if trace is zero.
func NewRoute(root, trace Ref) *Route {
	return &Route{Root: root, Trace: trace, OrderKey: OrderKeyOf(root)}
}

// OrderKeyOf returns the order key of a root: the FNV-1a hash of its id, with its 32 bits folded
// into 16. Entries with the same key are delivered in order; different roots may share a key.
// The function must never change: entries in spools outlive the process that keyed them.
func OrderKeyOf(root Ref) uint16 {
	const offset, prime = 2166136261, 16777619
	hash := uint32(offset)
	for i := range len(root.ID) {
		hash = (hash ^ uint32(root.ID[i])) * prime
	}
	return uint16(hash>>16) ^ uint16(hash)
}

// Leads reports whether the routes lead to the same owner.
func (r *Route) Leads(to *Route) bool { return r == to || r.Root == to.Root && r.Trace == to.Trace }

// Owner returns the session or trace that keeps the state of the route's entities.
func (r *Route) Owner() Ref {
	if r.Trace.Entity != Unknown {
		return r.Trace
	}
	return r.Root
}
