package store

import (
	"context"
	"time"
)

// Retention deletes old lines of a Log and measures it. Methods are safe for concurrent use
// with the methods of the Log.
type Retention interface {
	Space

	// Drop deletes the blocks that were received before a time, and forgets senders whose last
	// lines came ProducerTTL before it, in many short transactions between which lines are
	// stored. It returns the last block that was ever dropped, 0 if there is none, and the
	// number of lines that it deleted. Numbers of lines, of blocks, and those that known
	// senders have used stay used; repositories stay. After an error it can be called again.
	Drop(ctx context.Context, before time.Time) (Cursor, int64, error)

	// Dropped returns the last block that was ever dropped, and the time before which all
	// blocks were; both are zero if there is none.
	Dropped(ctx context.Context) (Cursor, time.Time, error)

	// Oldest calls fn for the blocks, oldest first, with the time at which they were received
	// and the size of their lines in bytes, until fn returns false.
	Oldest(ctx context.Context, fn func(recv time.Time, bytes int64) bool) error
}

// Pruner maintains the files of a store that is derived from a Log: an Index or a Search.
// Methods are safe for concurrent use with the store's methods.
type Pruner interface {
	Space

	// Prune deletes everything that belongs only to blocks up to and including before, which
	// the Log has dropped, in many short transactions. Of an Index, a trace stays as long as
	// there are lines of anything in it, and a session as long as one of its traces stays;
	// roll-ups stay until a Reset. Of a Search, the blocks are hidden at once. After an error
	// it can be called again.
	Prune(ctx context.Context, before Cursor) error

	// Damaged reports whether a method found the files damaged and returned a *DamagedError.
	Damaged() bool

	// Renew renames the damaged files to a name that it returns, and starts again with an
	// empty store and the cursor at the beginning. It waits for calls under way.
	Renew(ctx context.Context) (aside string, err error)
}

// Space measures and shrinks the files of a store.
type Space interface {
	// Size returns the bytes of the files that hold data. Free pages and journals do not
	// count, so deleting makes Size smaller at once, even while a reader keeps the files as
	// large as they are.
	Size(ctx context.Context) (int64, error)

	// Trim gives back the space of deleted data, in short transactions. When it returns nil,
	// no byte that was deleted before the call is in the files. It fails with ErrBusy while
	// a reader still needs some of it; call it again later.
	Trim(ctx context.Context) error
}
