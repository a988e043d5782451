// Package spool keeps on disk what waits for a server, so that it survives a crash, a
// kill and a loss of power, and lets processes that share a folder share the work.
//
// A spool is one slot: a folder that one process holds by a lock for as long as it
// lives, with
//
//	Lines, Uploads   two logs of package seglog: log lines, and contents to upload
//	blobs            the contents, which are too large for a log
//	dead letters     what a server refused for good, kept for a person to look at
//	quarantine       damaged files, kept for the same reason
//
// Open takes the first slot of a target that is free. Whatever a process leaves behind
// when it dies is found by the others of the same target through TakeOwnerless. Memory makes
// a spool without a disk that behaves the same until the process ends.
//
// With Config.Log.AEAD everything that holds payload is encrypted on disk. A slot belongs
// to one key: a process with another key, or none, leaves it alone.
//
// Inspect looks at the slots of a folder without changing them, beside processes that
// use them. The formats are described in docs/internals/spool.md.
package spool
