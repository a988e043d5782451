package messages

import (
	"sync"

	"github.com/troupelog/troupe/pricing"
)

// Entry is one finished line with its accounting. Actors emit entries for the writer.
type Entry struct {
	// Line is the encoded line without its newline. It is immutable, and shared by all
	// destinations.
	Line []byte
	// Upload is the attachment that the line describes, or nil.
	Upload *Upload
	// Of is the command that made the entry. It is nil unless a sampler has to decide on it.
	Of *Command
	// OrderKey is copied from the Route. Entries with the same key are delivered in order.
	OrderKey uint16
	// Epoch is the flush epoch in which the ledger admitted the entry.
	Epoch uint64
}

// EntryOverhead is the number of bytes charged for each entry in addition to its content: the
// memory of its command, its places in queues and its bookkeeping.
const EntryOverhead = 256

// Cost returns the memory in bytes that the ledger charges for the entry: the line, content
// that is held in memory, and EntryOverhead. It must not change while the entry is under way,
// because the same amount is released.
func (e *Entry) Cost() int64 {
	cost := int64(len(e.Line)) + EntryOverhead
	if e.Upload != nil {
		cost += e.Upload.Held
	}
	return cost
}

// Upload locates the content of an attachment: in the spool of each destination, and in the
// storage of the server.
type Upload struct {
	Blob string // name of the content in the spool; "" if the attachment is a URL
	MIME string // media type of the content
	Path string // storage key, without the repository and the slash in front of it
	Size int64  // length of the content in bytes
	Held int64  // bytes of the content in memory; 0 if it is on disk
	// Stored has bit i set if the spool of destination i has the content. The other
	// destinations receive the line alone.
	Stored uint64
	// KeyAt is the offset in the entry's line at which each destination inserts its
	// repository, as the inside of a JSON string.
	KeyAt int
}

// Cost is the usage and the price of model calls.
type Cost struct {
	Usage pricing.Usage
	USD   pricing.USD // 0 if the price is not known
}

// Command is one call of the API, on its way to the actors that own its entity. Its entry is
// complete. The other fields repeat the facts from which actors keep their state, so that no
// actor parses JSON.
type Command struct {
	Entry  Entry
	Route  *Route
	Target Ref // the entity that the line addresses

	// NewEntity is the entity that the command creates, or nil.
	NewEntity *NewEntity
	// Cost is set by a result with usage or a price, and by add-cost; else nil.
	Cost *Cost
	// Score is the score of a feedback, or nil.
	Score *float64
	At    int64 // time of the call, Unix nanoseconds

	Action Action // of the line on Target
	// Implied marks an end that the API added after a result or an error. A later explicit
	// end is then not reported as a mistake of the caller.
	Implied bool
	// HandOver exempts Target from EndOpen: another process will end it.
	HandOver bool
	// Failed marks the result of a failed call.
	Failed bool
	// Emitted is set by the root actor once the entry is on its way to the writer, so that a
	// failure after that does not emit it again. It is owned by the actor that handles the
	// command, and by its supervisor while the actor is suspended.
	Emitted bool
}

// NewEntity describes an entity that a command creates.
type NewEntity struct {
	Child Ref
	// Parent is the span that Child is in, or zero if it is directly in its trace.
	Parent Ref
}

// Child returns the entity that the command creates, or the zero Ref.
func (c *Command) Child() Ref {
	if c.NewEntity == nil {
		return Ref{}
	}
	return c.NewEntity.Child
}

// slabSize is the number of commands that are allocated together. They are also freed together,
// so the number is small: commands of one goroutine are usually done at about the same time.
const slabSize = 16

var slabs = sync.Pool{New: func() any { return &[]Command{} }}

// NewCommand returns a zero Command, at a sixteenth of an allocation. Commands are not reused.
// It may be called concurrently.
func NewCommand() *Command {
	free := slabs.Get().(*[]Command)
	defer slabs.Put(free)
	if len(*free) == 0 {
		*free = make([]Command, slabSize)
	}
	c := &(*free)[0]
	*free = (*free)[1:]
	return c
}
