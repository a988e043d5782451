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
// # Errors
//
// Methods return errors of package store, wrapped or as they are: store.ErrNotFound,
// store.ErrTooLarge, store.ErrBatch, store.ErrTerm, store.ErrQuery, store.ErrContent and
// store.ErrClosed. Front ends translate them.
package service
