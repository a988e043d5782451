// Package messages declares the messages between the parts of the logger: commands, which go
// from a caller's goroutine to the actors of sessions and traces; entries, which go from those
// actors to the writer; and the control messages around them.
//
// A value belongs to its sender until it is sent. After that nobody changes it, with two
// exceptions: Commands belong to the actor that has received them, which goes through them and
// frees them, and Command.Emitted is set by the root actor.
//
// The package imports only the standard library. It is a protocol between packages of this
// module, without a promise of compatibility to others.
//
// # Senders and receivers
//
//	message      sender -> receiver           answer       order
//	Commands     inbox -> shard -> root       none         FIFO per root
//	             root -> trace                none         FIFO per trace
//	             root -> writer, as Out       none         FIFO per root
//	Entry        root -> writer               none         FIFO per root
//	Inspect      caller -> shard -> owner     Snapshot     behind every earlier command of its sender
//	Sweep        timer -> shard -> root       none         none
//	Passivate    shard -> root -> trace       Passivated   behind every earlier command
//	EndOpen      caller -> shard -> owner     EndedOpen    behind every earlier command
//	Begin        keeper -> new actor          none         first
//	Room         waitlist -> actor            none         none
package messages
