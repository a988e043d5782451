package protocol

// Action is the change that a line makes to its entity.
type Action uint8

// The actions of the Maxim log protocol. None is the zero value; a command without an
// action carries no entry. The client writes all of them up to Evaluate; other clients
// also write AddTrace and UploadAttachment, and ProcessLargeLog names a line that was
// uploaded as a file.
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
	AddTrace
	UploadAttachment
	ProcessLargeLog
	numActions
)

var actionNames = [numActions]string{
	"none", "create", "update", "end", "result", "error", "add-span", "add-generation",
	"add-retrieval", "add-tool-call", "add-error", "add-event", "add-feedback", "add-attachment", "add-cost", "evaluate",
	"add-trace", "upload-attachment", "process-large-log",
}

// String returns the action's name on the wire, "none" for a number without an action.
func (a Action) String() string {
	if a < numActions {
		return actionNames[a]
	}
	return actionNames[None]
}

var actions = func() map[string]Action {
	m := make(map[string]Action, numActions)
	for a := Create; a < numActions; a++ {
		m[actionNames[a]] = a
	}
	return m
}()

// ParseAction returns the action with the given name on the wire, or None.
func ParseAction(name string) Action { return actions[name] }

// begun has the kind of entity that an action of its parent begins.
var begun = [numActions]Kind{
	AddTrace: Trace, AddSpan: Span, AddGeneration: Generation,
	AddRetrieval: Retrieval, AddToolCall: ToolCall, AddError: Error,
}

// Begins returns the kind of entity that an action of its parent begins, such as Span for
// AddSpan, or Unknown if the action begins none.
func (a Action) Begins() Kind {
	if a < numActions {
		return begun[a]
	}
	return Unknown
}

// Beginning returns the action by which a parent begins an entity of a kind, such as AddSpan
// for Span, or None for kinds that begin without a parent.
func Beginning(k Kind) Action {
	for a, kind := range begun {
		if kind == k && k != Unknown {
			return Action(a)
		}
	}
	return None
}

// LargeLogEntity is the entity in a line with ProcessLargeLog, which belongs to no entity of
// a kind: storage{id=…,action=process-large-log,data={"key":"…"}}.
const LargeLogEntity = "storage"
