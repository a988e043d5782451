package store

import "context"

// Cluster is the storage of a collector. Its repositories are spread over shards. Methods
// are safe for concurrent use.
type Cluster interface {
	Credentials

	// Shard returns the shard that holds a repository, whether or not the repository
	// exists yet. It is one of Shards.
	Shard(ctx context.Context, repo string) (*Shard, error)

	// Shards returns all shards, the same and in the same order each time.
	Shards() []*Shard

	// Files returns the store of uploads, shared by all shards.
	Files() Files

	// Ready writes something that changes nothing, and returns the errors of writing to the
	// storage as a whole and to the logs. Both are nil if lines can be stored.
	Ready(ctx context.Context) (storage, log error)

	// Close closes all shards and files. Methods called later return ErrClosed. A second
	// Close does nothing.
	Close() error
}

// Credentials holds the secrets that all collectors of a cluster share.
type Credentials interface {
	// Secrets returns the secrets from which signing keys are derived: the current one
	// first, then an older one while it remains valid. Each has 32 bytes.
	Secrets(ctx context.Context) ([][]byte, error)
}

// Shard is a group of repositories with one log and everything derived from it. Cursors and
// places of lines are valid within their shard only. A Shard is immutable.
type Shard struct {
	Name      string
	Log       Log
	Retention Retention // of the Log

	Index  Index
	Lists  Lists // of the Index
	Search Search
	// IndexPruner and SearchPruner maintain the files of the Index and the Search.
	IndexPruner, SearchPruner Pruner

	// Lease returns the lease of a job.
	Lease func(job string) Lease
	// Shared is set if other processes append to the shard or hold its leases. Workers then
	// poll, because nobody wakes them.
	Shared bool
}

// Jobs that one process at a time does for a shard.
const (
	JobProject = "project" // moves the index behind the log
	JobSearch  = "search"  // moves the search behind the log
	JobPrune   = "prune"   // enforces the retention limits
)

// Lease lets one of several processes do a job. It only avoids wasted work: stores reject the
// results of a process that has lost its lease, with ErrStale. Methods are safe for concurrent
// use.
type Lease interface {
	// Hold takes or renews the lease and reports whether this process has it. Call it before
	// each step of the job.
	Hold(ctx context.Context) (bool, error)
	// Release gives the lease back, so that another process can take it at once.
	Release(ctx context.Context) error
}
