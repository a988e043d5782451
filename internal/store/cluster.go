package store

import "context"

// Cluster is the storage of a collector. Its repositories are spread over shards. Methods
// are safe for concurrent use.
type Cluster interface {
	Credentials

	// Shard returns the shard that holds a repository, whether or not the repository
	// exists yet.
	Shard(ctx context.Context, repo string) (*Shard, error)

	// Shards returns all shards, in the same order each time.
	Shards() []*Shard

	// Files returns the store of uploads, shared by all shards.
	Files() Files

	// Ready returns nil if the storage can be reached and written, apart from the logs:
	// Log.Probe checks those.
	Ready(ctx context.Context) error

	// Close closes all shards and files. A second Close does nothing.
	Close() error
}

// Credentials holds the secrets that all collectors of a cluster share.
type Credentials interface {
	// Secrets returns the secrets from which signing keys are derived: the current one
	// first, then an older one while it remains valid. Each has 32 bytes.
	Secrets(ctx context.Context) ([][]byte, error)
}

// Shard is a group of repositories with one log and everything derived from it. Cursors
// and places of lines are valid within their shard only. A Shard is immutable.
type Shard struct {
	Name   string
	Log    Log
	Index  Index
	Lists  Lists
	Search Search
}
