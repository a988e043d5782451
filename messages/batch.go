package messages

import "sync"

// Commands are commands on their way to one actor, in their order. A shard gets those of
// its root keys, a root those of its own, a trace below a session its own.
//
// An actor goes through them with Next, and a root collects what it emits with Emit and
// sends it to the writer, as the Out of a list of its own. They belong to one goroutine at a
// time: to the sender before they are sent, then to the receiver.
type Commands struct {
	List []*Command
	// Out is what was emitted of them.
	Out []*Entry
	// Start, if it has a Route, is what the actor is to begin with: it may have served
	// another trace before.
	Start Begin
	// Sent is set when they are done, or on their way to the writer.
	Sent bool

	next int // the first of List that was not begun
}

// keptCommands is the longest list that is kept for other commands.
const keptCommands = 1024

var batches = sync.Pool{New: func() any { return &Commands{} }}

// NewCommands returns an empty list. It may be called concurrently.
func NewCommands() *Commands { return batches.Get().(*Commands) }

// Free gives the list back; the caller must not use it afterwards.
func (b *Commands) Free() {
	if cap(b.List) > keptCommands || cap(b.Out) > keptCommands {
		return
	}
	clear(b.List)
	clear(b.Out)
	*b = Commands{List: b.List[:0], Out: b.Out[:0]}
	batches.Put(b)
}

// Add appends a command.
func (b *Commands) Add(c *Command) { b.List = append(b.List, c) }

// Next begins the next command, and returns nil after the last one. A command that was
// begun is not returned again, whatever becomes of it.
func (b *Commands) Next() *Command {
	if b.next == len(b.List) {
		return nil
	}
	b.next++
	return b.List[b.next-1]
}

// Begun returns the command that was begun last, or nil.
func (b *Commands) Begun() *Command {
	if b.next == 0 {
		return nil
	}
	return b.List[b.next-1]
}

// Emit puts the entry of a command into Out, once.
func (b *Commands) Emit(c *Command) {
	if c.Emitted || c.Action == None {
		return
	}
	c.Emitted = true
	if c.Route != nil {
		c.Entry.Lane = c.Route.Lane
	}
	b.Out = append(b.Out, &c.Entry)
}

// Unfinished reports whether their actor is not done with them: after a failure it is
// given them again.
func (b *Commands) Unfinished() bool { return !b.Sent }
