// Package seglog is one append-only log of records, kept in segment files with a
// checksum on every record, until they are acknowledged.
//
// # What is guaranteed
//
// A record for which [Log.Sync] returned nil survives the end of the process and the
// loss of power, whatever of the unsynced writes the disk kept. Records are read in the
// order of their sequence numbers. A record leaves the log by [Log.Ack], or by a drop
// that is counted with its reason, and in no other way. What a read returns was written:
// a damaged record is skipped, its segment is copied to quarantine, and the loss is
// counted by the sequence numbers that are missing.
//
// # How it works
//
// [Log.Append] numbers records and puts them into a queue in memory. One goroutine, the
// committer, does everything that changes files: it writes what waits as one group and
// syncs it, begins new segments, stores the cursor, removes segments, and tries again
// what failed. While the disk does not take records they stay in the queue and are read
// from there, so that a full or broken disk stops neither the callers nor the delivery;
// a log without a disk is the same thing for ever.
//
// Sequence numbers may be given out twice over the life of a folder: what was sent from
// memory is forgotten by a crash. So each run of a process has an origin of its own, and
// (origin, sequence number) is unique for ever.
//
// The files are described byte by byte in docs/internals/spool.md, and beside the encoders in
// frame.go and cursor.go.
package seglog
