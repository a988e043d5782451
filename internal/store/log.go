package store

import (
	"cmp"
	"context"
	"time"
)

// BlockLines is the most lines that a block of a Log holds.
const BlockLines = 128

// SpoolLife is for how long a sender is remembered at least when its last lines may be
// dropped. After that, lines that it sends again are new.
const SpoolLife = 30 * 24 * time.Hour

// Spool names a sender whose lines are numbered. The zero Spool names none.
type Spool [16]byte

// Cursor is a place between two blocks of a Log, in the order of commits. The zero
// Cursor is the beginning.
type Cursor int64

// Loc is where a line is stored.
type Loc struct {
	Block int64 // number of the block
	Index int   // place in the block, from 0
}

// Compare orders places as their lines were committed.
func (l Loc) Compare(m Loc) int {
	return cmp.Or(cmp.Compare(l.Block, m.Block), cmp.Compare(l.Index, m.Index))
}

// Batch is the lines of one request, which are stored together or not at all.
type Batch struct {
	Repo string
	// Spool is the sender. Without one the lines are new, whatever they are.
	Spool Spool
	// First is the number of Lines[0] among the sender's lines, from 1. The others
	// follow it. Without a Spool it is 1.
	First uint64
	// Recv is when the batch was received. A Log moves it forward as far as needed
	// to make it grow from batch to batch, by a microsecond at least.
	Recv time.Time
	// Lines are the lines without newlines. A nil line is one that the collector
	// refused: nothing is stored, but its number is used up and it is counted.
	Lines [][]byte
}

// Receipt says what became of a batch.
type Receipt struct {
	Stored    int // lines stored now
	Duplicate int // lines whose numbers had been used before
}

// Block is a run of lines of one sender, stored together.
type Block struct {
	Number int64
	Repo   string
	Recv   time.Time // UTC, microseconds
	Spool  Spool     // a random one if the batch had none
	First  uint64    // number of Lines[0]; the others follow it without a gap
	// Late is set if a line with a higher number of the same sender was committed
	// before. All other lines follow, in the order of fold.Sort, whatever was
	// committed before.
	Late  bool
	Base  uint64   // lines of the repository before Lines[0], those that were dropped among them
	Lines [][]byte // the caller may keep but must not change them
}

// At returns a line of the block with its place.
func (b Block) At(i int) Located {
	return Located{
		Loc: Loc{b.Number, i}, Repo: b.Repo, Recv: b.Recv, Spool: b.Spool,
		Seq: b.First + uint64(i), Number: b.Base + uint64(i) + 1, Text: b.Lines[i],
	}
}

// Located is a stored line together with its place.
type Located struct {
	Loc
	Repo   string
	Recv   time.Time
	Spool  Spool
	Seq    uint64 // among the sender's lines
	Number uint64 // in its repository, as Numbered says
	Text   []byte
}

// Numbered is a line with its number in its repository: 1, 2, 3 and so on in the order
// of commits. The number stays the line's, and nobody else's, when lines are dropped.
type Numbered struct {
	Number uint64
	Text   []byte
}

// Repository is what a Log knows about a repository. Repositories come to exist
// with their first line.
type Repository struct {
	ID      string
	Lines   uint64 // ever stored, those that were dropped among them
	Refused uint64 // malformed, counted only
}

// Log is the truth: all lines that were acknowledged. Its methods are safe for
// concurrent use, end when ctx does, and fail with ErrClosed after Close.
type Log interface {
	Sized
	Trimmer
	Retention

	// Append stores batches, all or none, and returns one receipt for each. When it
	// returns nil they survive the loss of power. When it returns an error they may
	// be stored or not; sending them again under the same Spool and First is safe.
	// Batches of concurrent calls may share a commit. Nobody may change the lines
	// after the call: if ctx ended it, they may still be on their way to the disk.
	Append(ctx context.Context, batches []Batch) ([]Receipt, error)

	// Read returns the blocks behind after in the order of commits: at least one if
	// there is one, and no more than hold maxLines lines or a few MiB. The cursor
	// returned stands behind the last of them. If the first one cannot be read because
	// it is damaged, the error is a *LineError.
	Read(ctx context.Context, after Cursor, maxLines int) ([]Block, Cursor, error)

	// Head returns the cursor behind everything committed before the call.
	Head(ctx context.Context) (Cursor, error)

	// Lines returns the lines at the given places, in any order. Places that hold
	// nothing are left out. Of a damaged block the error is a *LineError.
	Lines(ctx context.Context, at []Loc) ([]Located, error)

	// Scan returns lines of a repository behind number after: at least one if there
	// is one, and no more than limit or a few MiB.
	Scan(ctx context.Context, repo string, after uint64, limit int) ([]Numbered, error)

	// Drop deletes the blocks that were received before a time, and what is known of
	// senders whose last lines came SpoolLife before it, in many short transactions between
	// which lines are stored. It returns the last block that was ever dropped, 0 if there is
	// none, and how many lines it deleted. Numbers of lines, of blocks, and those that known
	// senders have used stay used; repositories stay. After an error it can be called again.
	Drop(ctx context.Context, before time.Time) (Cursor, int64, error)

	// Dropped returns the last block that was ever dropped, and the time before which all
	// were; both are zero if there is none.
	Dropped(ctx context.Context) (Cursor, time.Time, error)

	// Probe writes something that changes nothing, and returns why nothing can be stored, if
	// that is so.
	Probe(ctx context.Context) error

	// Repositories returns all repositories by id.
	Repositories(ctx context.Context) ([]Repository, error)

	// Close releases the log. A second Close does nothing.
	Close() error
}
