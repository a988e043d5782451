// Package vfs is the part of a file system that a spool needs, as an interface, so that
// the same code runs on a real disk, on one that loses power, and on one that fails at
// any call.
//
// # Implementations
//
//   - OS is a private folder of the real file system. It refuses links, FIFOs and names
//     that other users own or can access, because the spool holds private content and
//     must not be tricked into writing elsewhere.
//   - Mem is a disk in memory that distinguishes written from durable bytes. Mem.Crash
//     returns a disk that a power loss at this moment may leave. It is for tests.
//   - Faulty wraps either and fails the calls that a rule selects. It is for tests.
//
// # Durability
//
// A file survives a loss of power only after File.Sync of its content and FS.Sync of the
// folder that holds its name. After a failed Sync nothing is known about the file, and a
// later success proves nothing: the system may have discarded the bytes. Callers must
// write the content again, to another file.
package vfs
