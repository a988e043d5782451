package store

import (
	"context"
	"time"
)

// Sized is a store whose size is known. Log, Index and Search implement it.
type Sized interface {
	// Size returns how many bytes of the files hold something. Free pages and journals do
	// not count: deleting makes Size smaller at once, even while a reader keeps the files
	// as large as they are.
	Size(ctx context.Context) (int64, error)
}

// Trimmer is a store that can make its files as small as Size says. Log, Index and Search
// implement it.
type Trimmer interface {
	// Trim gives back what deleting freed, in short transactions. When it returns nil, no
	// byte of what was deleted before the call is in the files. It fails with ErrBusy while
	// a reader still needs some of it; calling it again later is right then.
	Trim(ctx context.Context) error
}

// Renewer is a store that is derived from a Log and can be made anew. Index and Search
// implement it.
type Renewer interface {
	// Damaged reports whether a method found the files damaged. Its error was a
	// *DamagedError.
	Damaged() bool
	// Renew sets what is damaged aside, under another name, which it returns, and begins
	// anew, empty, with the cursor at the beginning. It waits for calls under way.
	Renew(ctx context.Context) (aside string, err error)
}

// Retention is what deleting by size asks of a Log.
type Retention interface {
	// Oldest calls fn for the blocks from the oldest on, with when they were received and
	// how many bytes their lines take, until fn returns false.
	Oldest(ctx context.Context, fn func(recv time.Time, bytes int64) bool) error
}
