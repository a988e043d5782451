package store

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

// Update is the new state of an entity and the places of lines that are new to it.
type Update struct {
	Entity fold.Entity
	Lines  []Loc
}

// Query asks for the newest sessions or traces of a repository.
type Query struct {
	Repo    string
	Kind    fold.Kind
	Session fold.Key // if set, only traces of this session
	After   Position // the last row of the page before; zero for the first page
	Limit   int      // rows wanted; at least 1
}

// Position is the place of a row in a list: newest start first, then in an order of the
// Index. An entity without a start counts from when it was first seen.
type Position struct {
	At  time.Time
	Key fold.Key
}

// Row is an entity in a list.
type Row struct {
	Entity   fold.Entity
	Position Position
	Usage    pricing.Usage // of a trace: of everything below it
	Cost     pricing.Cost  // of a trace: of everything below it
	Children int           // of a trace: all entities below it; of a session: its traces
	Errors   int           // of a trace: entities below it of the kind fold.Error
}

// Count is how many entities of a kind a repository has.
type Count struct {
	Entities int
	Open     int // started and without an end
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

	// List returns rows, newest first. Rows that are inserted meanwhile neither
	// repeat nor hide others on later pages. Totals are kept while applying updates, so
	// that the time for a row does not grow with what is below it.
	List(ctx context.Context, q Query) ([]Row, error)

	// Counts returns the counts of a repository by kind.
	Counts(ctx context.Context, repo string) (map[fold.Kind]Count, error)

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
