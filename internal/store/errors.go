package store

import (
	"errors"
	"fmt"
)

// DamagedError says that a file of a store holds what nobody wrote there: a disk or another
// program changed it.
type DamagedError struct {
	File string // its name in the folder of the store
	Err  error  // what was found
}

// Error names the file and what was found.
func (e *DamagedError) Error() string { return "store: " + e.File + " is damaged: " + e.Err.Error() }

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

var (
	// ErrStale is returned when an Index has moved on since it was read.
	ErrStale = errors.New("store: the index moved on meanwhile")
	// ErrClosed is returned by all methods after Close.
	ErrClosed = errors.New("store: closed")
	// ErrBusy is returned by Trim while a reader holds what was deleted.
	ErrBusy = errors.New("a reader still holds what was deleted; it leaves the file when that reader ends")
	// ErrBatch is returned when a batch breaks the rules of Batch.
	ErrBatch = errors.New("store: malformed batch")
	// ErrNotFound is returned when there is no such entity.
	ErrNotFound = errors.New("store: not found")
	// ErrTerm is returned for a Term whose Field is unknown or cannot be compared by its
	// Op.
	ErrTerm = errors.New("store: this field cannot be compared so")
	// ErrTooLarge is returned for a tree that is larger than MaxTree.
	ErrTooLarge = errors.New("store: the tree is too large")
)

// WholeBlock is the Index of a Loc that means all lines of a block.
const WholeBlock = -1

// LineError says which line could not be read or folded. It quotes nothing of it.
type LineError struct {
	At  Loc // its Index is WholeBlock where a block could not be read
	Err error
}

// Error says where the line is and what happened.
func (e *LineError) Error() string {
	if e.At.Index == WholeBlock {
		return fmt.Sprintf("store: block %d: %v", e.At.Block, e.Err)
	}
	return fmt.Sprintf("store: line %d of block %d: %v", e.At.Index, e.At.Block, e.Err)
}

// Unwrap returns what happened.
func (e *LineError) Unwrap() error { return e.Err }
