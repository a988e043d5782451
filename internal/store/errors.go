package store

import (
	"errors"
	"fmt"
)

// DamagedError reports a file of a store whose content was changed by the disk or another
// program.
type DamagedError struct {
	File string // its name in the folder of the store
	Err  error  // the kind of damage
}

// Error names the file and the kind of damage.
func (e *DamagedError) Error() string { return "store: " + e.File + " is damaged: " + e.Err.Error() }

// Unwrap returns the kind of damage.
func (e *DamagedError) Unwrap() error { return e.Err }

var (
	// ErrStale is returned when an Index has moved on since it was read.
	ErrStale = errors.New("store: the index moved on meanwhile")
	// ErrClosed is returned by all methods once the cluster is closed.
	ErrClosed = errors.New("store: closed")
	// ErrBusy is returned by Trim while a reader holds deleted data.
	ErrBusy = errors.New("a reader still holds deleted data; it leaves the file when that reader ends")
	// ErrBatch is returned when a batch breaks the rules of Batch.
	ErrBatch = errors.New("store: malformed batch")
	// ErrNotFound is returned when there is no such entity.
	ErrNotFound = errors.New("store: not found")
	// ErrTerm is returned for a Term whose Field is unknown, is not known of the rows asked
	// for, or cannot be compared by its Op.
	ErrTerm = errors.New("store: this field cannot be compared so")
	// ErrTooLarge is returned for a tree that is larger than MaxTree.
	ErrTooLarge = errors.New("store: the tree is too large")
)

// WholeBlock is the Index of a Loc that refers to all lines of a block.
const WholeBlock = -1

// LineError reports a line that could not be read or folded. It quotes nothing of it.
type LineError struct {
	At  Loc // with Index WholeBlock if a block could not be read
	Err error
}

// Error names the place of the line and the cause.
func (e *LineError) Error() string {
	if e.At.Index == WholeBlock {
		return fmt.Sprintf("store: block %d: %v", e.At.Block, e.Err)
	}
	return fmt.Sprintf("store: line %d of block %d: %v", e.At.Index, e.At.Block, e.Err)
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }
