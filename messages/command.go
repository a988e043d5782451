package messages

import "sync"

// Entry is what an actor emits for the writer: one finished line.
type Entry struct {
	// Line is the encoded line without its newline. Nobody writes to it.
	Line []byte
	// Upload is the attachment that the line describes, nil if it describes none.
	Upload *Upload
	// Of is the command that the entry is of, where sampling is to decide on it; nil
	// where not.
	Of *Command
	// Lane is the Route's: entries of one lane are delivered in their order.
	Lane uint16
	// Epoch is the flush epoch the ledger admitted the entry in.
	Epoch uint64
	// Quarantined is set when the actor failed before it could emit the entry,
	// so that the supervisor emitted it instead.
	Quarantined bool
}

// EntryOverhead is charged for each entry beside its bytes: what a command, its queue
// slots and its bookkeeping cost in memory, in bytes.
const EntryOverhead = 256

// Cost is the memory that the entry is charged for, in bytes.
func (e *Entry) Cost() int64 {
	cost := int64(len(e.Line)) + EntryOverhead
	if e.Upload != nil {
		cost += e.Upload.Held
	}
	return cost
}

// Upload is an attachment: where its content is kept in the spool of each sink, and
// where it is to be stored.
type Upload struct {
	Blob string // the content's name in the spool, "" for the URL of a content elsewhere
	MIME string // its type
	Path string // its storage key, without the repository's id and a slash in front
	Size int64  // bytes of the content
	Held int64  // bytes of the content that are in memory
	// Stored has a bit for each destination, in their order, whose spool has the content;
	// the others get the line alone.
	Stored uint64
	// KeyAt is where in the entry's line the sink puts its repository's id, as the inside
	// of a JSON string.
	KeyAt int
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
	Target Ref // the entity the line addresses

	// Birth is of the entity that the command begins; nil if it begins none.
	Birth *Birth
	// Spent is what a result or an add-cost says was spent, nil if nothing.
	Spent *Spent
	// Score is what a feedback gives, nil if it gives none.
	Score *float64
	At    int64 // when the call was made, Unix nanoseconds

	Action Action // what the line does to Target
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
}

// Birth is the beginning of an entity.
type Birth struct {
	Child Ref
	// Parent is the entity that Child hangs below; zero if it is the owner itself.
	Parent Ref
}

// Child returns the entity that the command begins, the zero Ref if it begins none.
func (c *Command) Child() Ref {
	if c.Birth == nil {
		return Ref{}
	}
	return c.Birth.Child
}

// commandsAtOnce is how many commands are allocated together. They are freed together
// too, so they are few: commands of one goroutine are done at about the same time.
const commandsAtOnce = 16

var commands = sync.Pool{New: func() any { return &[]Command{} }}

// NewCommand returns a zero Command. It may be called concurrently.
func NewCommand() *Command {
	free := commands.Get().(*[]Command)
	defer commands.Put(free)
	if len(*free) == 0 {
		*free = make([]Command, commandsAtOnce)
	}
	c := &(*free)[0]
	*free = (*free)[1:]
	return c
}
