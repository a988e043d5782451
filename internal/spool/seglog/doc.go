// Package seglog is an append-only log of records, kept in segment files until the
// records are acknowledged. Every record carries a checksum.
//
// # Guarantees
//
// A record for which [Log.Sync] returned nil survives the end of the process and a loss
// of power, whichever unsynced writes the disk kept. Records are read in the order of
// their sequence numbers. A record leaves the log through [Log.Ack], or through a drop
// that is counted with its reason, and in no other way. A read returns only bytes that
// were written: a damaged record is skipped, its segment is copied to quarantine, and
// the loss is counted by the sequence numbers that are missing.
//
// # Writing
//
// [Log.Append] numbers records and puts them into a queue in memory. One goroutine, the
// committer, does everything that changes files: it writes the queued records as a group
// and syncs them, begins new segments, stores the cursor, removes segments, and repeats
// failed operations. While the disk does not accept records they stay in the queue and
// are read from there, so that a full or broken disk stops neither the callers nor the
// delivery. A log without a disk is in that state forever.
//
// Sequence numbers may be used twice over the life of a folder: a crash forgets the
// records that were sent from memory. Therefore each run of a process has its own origin,
// and the pair of origin and sequence number is unique forever.
//
// # Files
//
// A log folder has segments, which consist of a header and frames, and one cursor. The
// byte diagrams are beside the encoders: the type header in header.go, the type frame in
// frame.go, the sealed payload in seal.go, the type cursor in cursor.go. docs/internals/spool.md
// describes the same bytes for other programs.
//
// # Crash states
//
// The order of the writes leaves only these states, and each start recovers from them:
//
//   - Part of a group is written. The frames after the last valid one are cut off; no
//     Sync has returned for them.
//   - The group is synced and its segment's name is not. The folder is synced before the
//     group counts, so no Sync has returned for it.
//   - The group is durable and the cursor is older. The records are read again from the
//     cursor on: they may be delivered twice.
//   - The cursor is durable and acknowledged segments are still there. They are removed:
//     segments go only after the cursor that covers them is durable.
//   - One cursor slot is torn. The other one, which was synced before, counts.
//   - A sync failed and the group was written again to a new segment. Both files have the
//     same first number; the copy with the higher suffix counts.
//   - A record that was synced is not there. Its number is below the high-water mark of
//     the cursor or the header of the next segment, so the loss is counted as damage.
package seglog
