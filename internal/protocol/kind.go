package protocol

// Kind is the type of an entity.
type Kind uint8

// The kinds of the Maxim log protocol. Unknown is the zero value. Their numbers are stored
// in indexes: never reorder them.
const (
	Unknown Kind = iota
	Session
	Trace
	Span
	Generation
	Retrieval
	ToolCall
	Error
	numKinds
)

// NumKinds is the number of kinds, Unknown included: the length of an array indexed by Kind.
const NumKinds = int(numKinds)

var kindNames = [NumKinds]string{"unknown", "session", "trace", "span", "generation", "retrieval", "tool_call", "error"}

// Kinds returns all kinds but Unknown, in their order.
func Kinds() []Kind {
	return []Kind{Session, Trace, Span, Generation, Retrieval, ToolCall, Error}
}

// String returns the kind's name on the wire, "unknown" for a number without a kind.
func (k Kind) String() string {
	if int(k) < NumKinds {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

// ParseKind returns the kind with the given name on the wire, or Unknown.
func ParseKind(name string) Kind {
	for _, k := range Kinds() {
		if kindNames[k] == name {
			return k
		}
	}
	return Unknown
}
