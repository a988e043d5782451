package store

import (
	"cmp"
	"context"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// BlockLines is the most lines that a block of a Log holds.
const BlockLines = 128

// ProducerTTL is the least time for which a sender is remembered after its last lines. Lines
// that it sends again later count as new.
const ProducerTTL = 30 * 24 * time.Hour

// Cursor is a place between two blocks of a Log, in the order of commits. The zero Cursor is
// the beginning.
type Cursor int64

// Loc is the place of a stored line.
type Loc struct {
	Block int64 // number of the block
	Index int   // place in the block, from 0
}

// Compare orders places as their lines were committed.
func (l Loc) Compare(m Loc) int {
	return cmp.Or(cmp.Compare(l.Block, m.Block), cmp.Compare(l.Index, m.Index))
}

// Batch holds the lines of one request. They are stored together or not at all.
type Batch struct {
	Repo string
	// Spool is the sender. Lines without one are always new.
	Spool protocol.Producer
	// First is the sequence number of Lines[0], from 1. The others follow without a gap. It
	// is 1 without a Spool.
	First uint64
	// Recv is the time at which the batch was received. A Log moves it forward as far as
	// needed to make it grow by at least a microsecond from batch to batch.
	Recv time.Time
	// Lines are the lines without newlines. A nil line was refused by the collector: it is
	// counted and its sequence number is used up, but nothing is stored.
	Lines [][]byte
}

// Receipt is the result of storing a batch.
type Receipt struct {
	Stored    int // lines stored now
	Duplicate int // lines whose sequence numbers had been used before
}

// Block is a run of lines of one sender, stored together.
type Block struct {
	Number int64
	Repo   string
	Recv   time.Time         // UTC, microseconds
	Spool  protocol.Producer // a random one if the batch had none
	First  uint64            // number of Lines[0]; the others follow it without a gap
	// Late is set if a line of the same sender with a higher number was committed before.
	// Blocks that are not late come in the order of fold.Sort.
	Late  bool
	Base  uint64   // lines of the repository before Lines[0], including dropped ones
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
	Spool  protocol.Producer
	Seq    uint64 // among the sender's lines
	Number uint64 // in its repository, as Numbered says
	Text   []byte
}

// Numbered is a line with its number in its repository: 1, 2, 3 and so on in the order of
// commits. Numbers of dropped lines are not used again.
type Numbered struct {
	Number uint64
	Text   []byte
}

// Repository describes a repository. Repositories come into existence with their first line.
type Repository struct {
	ID      string
	Lines   uint64 // lines ever stored, including dropped ones
	Refused uint64 // malformed lines, counted but not stored
}

// Log is the truth: all acknowledged lines. Its methods are safe for concurrent use, end when
// ctx does, and fail with ErrClosed once the cluster is closed.
type Log interface {
	// Append stores all batches or none, and returns one receipt for each. When it returns
	// nil, they survive the loss of power. After an error they may or may not be stored;
	// sending them again with the same Spool and First is safe. Batches of concurrent calls
	// may share a commit. The lines must not change after the call: if ctx ended it, they may
	// still be on their way to the disk.
	Append(ctx context.Context, batches []Batch) ([]Receipt, error)

	// Read returns blocks after a cursor in the order of commits, and the cursor after the
	// last of them: at least one block if there is one, and at most maxLines lines or a few
	// MiB. If the first block is damaged, the error is a *LineError.
	Read(ctx context.Context, after Cursor, maxLines int) ([]Block, Cursor, error)

	// Head returns the cursor behind everything committed before the call.
	Head(ctx context.Context) (Cursor, error)

	// Lines returns the lines at the given places, in any order. It leaves out empty places.
	// If a block is damaged, the error is a *LineError.
	Lines(ctx context.Context, at []Loc) ([]Located, error)

	// Scan returns lines of a repository with numbers above after: at least one if there is
	// one, and at most limit lines or a few MiB.
	Scan(ctx context.Context, repo string, after uint64, limit int) ([]Numbered, error)

	// Repositories returns all repositories of the shard, ordered by id.
	Repositories(ctx context.Context) ([]Repository, error)
}
