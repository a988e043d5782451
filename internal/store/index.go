package store

import (
	"context"

	"github.com/troupelog/troupe/internal/fold"
)

// Update is the new state of an entity and the places of lines that are new to it.
type Update struct {
	Entity fold.Entity
	Lines  []Loc
}

// Index is what is derived from a Log. Its methods are safe for concurrent use,
// end when ctx does, and fail with ErrClosed after Close. What one method returns
// stems from one moment between two calls of Apply.
type Index interface {
	Sized
	Trimmer
	Renewer

	// Cursor returns how much of the Log is contained.
	Cursor(ctx context.Context) (Cursor, error)

	// Apply stores updates and moves the cursor, all or nothing. Updates of entities that
	// are new come in the order in which lines name them first. It fails with
	// ErrStale if the cursor is not at from: somebody else was faster. Generations get
	// their prices here.
	Apply(ctx context.Context, updates []Update, from, to Cursor) error

	// Get returns the entities with the given keys; unknown ones are left out.
	Get(ctx context.Context, keys []fold.Key) ([]fold.Entity, error)

	// Locs returns the places of all lines about the given entities, each once.
	Locs(ctx context.Context, keys []fold.Key) ([]Loc, error)

	// Tree returns an entity and all that hangs below it, each once, the root first;
	// nothing if there is no such entity.
	Tree(ctx context.Context, root fold.Key) ([]fold.Entity, error)

	// Forget drops what belongs to lines that a Log dropped, blocks up to and with before,
	// in many small transactions: entities all of whose lines are gone, with what they
	// add to totals, and labels that nothing has any more. A trace stays as long as there
	// are lines of anything in it, a session as long as a trace of it is there. Roll-ups
	// stay, until a Reset. It returns how many entities it dropped; after an error it can
	// be called again.
	Forget(ctx context.Context, before Cursor) (int64, error)

	// Reset empties the index, roll-ups included, and puts the cursor to the beginning.
	Reset(ctx context.Context) error

	// Close releases the index. A second Close does nothing.
	Close() error
}
