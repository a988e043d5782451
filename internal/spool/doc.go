// Package spool keeps entries that wait for a server on disk. They survive a crash, a
// kill and a loss of power, and processes that share a folder share the work.
//
// # Slots
//
// A spool is one slot: a folder that a process holds by a lock as long as it lives. It
// consists of
//
//	Lines, Uploads   two logs of package seglog: log lines, and contents to upload
//	blobs            the contents, which are too large for a log
//	dead letters     records that a server refused for good, kept for a person to look at
//	quarantine       copies of damaged files, kept for the same reason
//
// Open takes the first free slot of a target. A slot whose process died is ownerless:
// other processes of the same target find it through TakeOwnerless and deliver its
// records. Memory makes a spool without a disk that behaves the same until the process
// ends.
//
// # Keys
//
// With Config.Log.AEAD everything that contains payload is encrypted on disk. A slot
// belongs to one key: a process with another key, or without one, passes it over, because
// with the wrong key everything in it would look damaged.
//
// # Crash states
//
// Each write comes before the one that makes it count, so a crash leaves only leftovers
// that the next Open removes:
//
//   - A blob is durable before its record is: a blob without a record is unfinished, and
//     a record never names a missing blob.
//   - A dead letter is written under a temporary name, synced and renamed before its
//     record is acknowledged: a crash in between writes the same letter again.
//   - A delivered blob is kept until the acknowledgement of its record is durable.
//   - The names of folders are synced before anything is written inside them.
//   - The slot is given back after the last write of its logs, so that no other process
//     recovers files that still change.
//
// # Inspection
//
// Inspect describes the slots of a folder without changing them, beside processes that
// use them. The byte diagrams of blobs and dead letters are in blobformat.go and
// letter.go, and in docs/internals/spool.md.
package spool
