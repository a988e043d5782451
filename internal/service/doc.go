// Package service is the collector without HTTP: it stores lines, keeps the index and the
// search up to date with them, answers queries and applies retention.
//
//	Append ─► store.Log ─► answer
//	              │
//	              ├─► projector ─► store.Index  ─► Rows, Tree, Node …
//	              └─► searchIndexer ─► store.Search ─► Search
//
// Packages api and viewer are its two front ends; both see a *[Service] and no store.
//
// # Shards
//
// A [store.Cluster] spreads its repositories over shards. Each shard has its log and two
// workers (follow.go), which move the index and the search behind the log. A call names its
// repository and reaches the shard of that repository. [Service.Wait] waits for that shard
// alone, so a shard that is behind delays only its own readers.
//
// # Workers
//
// A worker may be stopped or killed at any time: its store holds the cursor beside the data,
// and both change in one transaction. The next worker continues from there. A line that makes
// a worker fail or panic is tried five times and then left out, so that one line cannot stop a
// repository; rebuilding tries it again. A store that finds its files damaged is replaced by an
// empty one and filled from the log.
//
// Of several processes that share a shard, the one with the lease of a job does it. The others
// watch the cursor in the store, so that their readers wait for the right moment.
//
// # Retention
//
// [Service.Prune] deletes from the log first, then from the index and the search, then uploads
// (prune.go). The log remembers how far it was pruned. A process that is killed in between
// leaves derived data without lines, which the next process deletes before it measures
// anything. Limits by size work on estimates and approach the limit from above (prunesize.go).
//
// # Errors
//
// Methods return errors of package store, wrapped or as they are: store.ErrNotFound,
// store.ErrTooLarge, store.ErrBatch, store.ErrTerm, store.ErrQuery, store.ErrContent and
// store.ErrClosed. Front ends translate them.
package service
