package messages

import "sync"

// Commands is a batch of commands on its way to one actor, in the order of the calls. A shard
// receives the commands of all its root keys; a root, and a trace below a session, only those for
// itself.
//
// The receiver takes them with Next. A root collects their entries with Emit and sends them to
// the writer as the Out of another Commands.
//
// Commands are pooled and belong to one goroutine at a time: to the sender until they are sent,
// then to the receiver. The last owner calls Free.
type Commands struct {
	List []*Command
	// Out holds the entries that Emit collected, in the order of the commands.
	Out []*Entry
	// Start makes the actor serve another session or trace, from the first command on. It is
	// ignored without a Route.
	Start Begin
	// Sent is set when the receiver has handled all commands, and in a batch for the writer. A
	// supervisor does not give such a batch to its actor again.
	Sent bool

	next int // index in List of the first command that was not begun
}

// maxPooled is the capacity above which a slice is left to the garbage collector, so that one
// burst does not pin its memory.
const maxPooled = 1024

var batches = sync.Pool{New: func() any { return &Commands{} }}

// NewCommands returns an empty batch. It may be called concurrently.
func NewCommands() *Commands { return batches.Get().(*Commands) }

// Free gives the batch back for reuse. The caller must not use it afterwards. The commands and
// entries in it stay valid: others may still hold them.
func (b *Commands) Free() {
	if cap(b.List) > maxPooled || cap(b.Out) > maxPooled {
		return
	}
	clear(b.List)
	clear(b.Out)
	*b = Commands{List: b.List[:0], Out: b.Out[:0]}
	batches.Put(b)
}

// Add appends a command.
func (b *Commands) Add(c *Command) { b.List = append(b.List, c) }

// Next begins the next command and returns it, or returns nil after the last one. It never
// returns a command twice: after a panic the actor goes on with the next.
func (b *Commands) Next() *Command {
	if b.next == len(b.List) {
		return nil
	}
	b.next++
	return b.List[b.next-1]
}

// Begun returns the command that Next returned last, or nil. After a panic it is the command to
// blame.
func (b *Commands) Begun() *Command {
	if b.next == 0 {
		return nil
	}
	return b.List[b.next-1]
}

// Emit adds the command's entry to Out, unless it was emitted before or the command has no
// entry.
func (b *Commands) Emit(c *Command) {
	if c.Emitted || c.Action == None {
		return
	}
	c.Emitted = true
	if c.Route != nil {
		c.Entry.OrderKey = c.Route.OrderKey
	}
	b.Out = append(b.Out, &c.Entry)
}

// Unfinished reports whether the actor has to be given the batch again after a failure.
func (b *Commands) Unfinished() bool { return !b.Sent }
