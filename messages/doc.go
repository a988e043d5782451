// Package messages declares what travels between the parts of the logger:
// commands from a caller's goroutine to the session and trace actors, entries
// from those actors to the writer, and the control messages around them.
//
// Every value is immutable once it is sent, but for Commands, which belong to whoever has
// them, and Command.Emitted. The package imports only the standard library; it is a
// protocol between packages of this module, without a compatibility promise to others.
//
//	message      sender -> receiver           answer       order
//	Commands     facade -> shard -> root      none         FIFO per root
//	             root -> trace                none         FIFO per trace
//	             root -> writer, as Out       none         FIFO per root
//	Entry        root -> writer               none         FIFO per root
//	Inspect      facade -> shard -> owner     Snapshot     behind every earlier command of its sender
//	Sweep        timer -> shard -> root       none         none
//	Passivate    shard -> root -> trace       Passivated   behind every earlier command
//	Finalise     facade -> shard -> owner     Finalised    behind every earlier command
//	Begin        spawner -> new actor         none         first
package messages
