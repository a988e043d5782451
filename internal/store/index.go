package store

import (
	"context"

	"github.com/troupelog/troupe/internal/fold"
)

// Update is the new state of an entity, with the places of its new lines.
type Update struct {
	Entity fold.Entity
	Lines  []Loc
}

// Index holds the entities derived from a Log. Its methods are safe for concurrent use, end
// when ctx does, and fail with ErrClosed once the cluster is closed. The result of a method is
// consistent: it belongs to one moment between two calls of Apply.
type Index interface {
	// Cursor returns the place in the Log up to which the index is complete.
	Cursor(ctx context.Context) (Cursor, error)

	// Apply stores updates and moves the cursor, all or nothing. Updates of new entities must
	// come in the order in which lines first name them. It fails with ErrStale if the cursor
	// is not at from, because another process was faster. It sets the prices of generations.
	Apply(ctx context.Context, updates []Update, from, to Cursor) error

	// Get returns the entities with the given keys and leaves out unknown ones.
	Get(ctx context.Context, keys []fold.Key) ([]fold.Entity, error)

	// Locs returns the places of all lines about the given entities, each once.
	Locs(ctx context.Context, keys []fold.Key) ([]Loc, error)

	// Tree returns an entity and everything below it, each once, the entity itself first. The
	// result is empty if there is no such entity.
	Tree(ctx context.Context, root fold.Key) ([]fold.Entity, error)

	// Reset empties the index, roll-ups included, and puts the cursor to the beginning.
	Reset(ctx context.Context) error
}
