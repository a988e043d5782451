package store

import (
	"context"
	"time"

	"github.com/troupelog/troupe/collector/fold"
)

// Search is full text over what lines say: messages, answers, inputs, outputs, tool
// arguments, documents, names, errors. It is derived from a Log behind the Index, by a
// worker of its own, so that neither waits for it. Its methods are safe for concurrent
// use, end when ctx does, and fail with ErrClosed after Close.
type Search interface {
	// Cursor returns how much of the Log is searched.
	Cursor(ctx context.Context) (Cursor, error)

	// Add makes texts findable and moves the cursor, all or nothing. It fails with
	// ErrStale if the cursor is not at from.
	Add(ctx context.Context, texts []TextAt, from, to Cursor) error

	// Find returns hits, newest first. Words are matched whole and without regard to
	// case or accents; between Han, Kana, Hangul and Thai characters every character is
	// a word. Operators of the storage have no meaning in them.
	Find(ctx context.Context, q SearchQuery) ([]Hit, error)

	// Forget drops what belongs to lines that a Log dropped: blocks before the cursor.
	Forget(ctx context.Context, before Cursor) error

	// Reset empties the search and puts the cursor to the beginning.
	Reset(ctx context.Context) error

	// Close releases it. A second Close does nothing.
	Close() error
}

// TextAt is what a line says.
type TextAt struct {
	Loc
	Repo string
	Recv time.Time
	Text string
}

// SearchQuery asks for lines. All of Words and Phrases must be in a line, none of Not.
type SearchQuery struct {
	Repo     string
	Words    []string
	Phrases  []string
	Not      []string
	From, To time.Time // of reception, To excluded; zero does not bound
	After    Loc       // the last hit of the page before; zero for the newest
	Limit    int       // at least 1
}

// Hit is a line that a search found.
type Hit struct {
	Loc
	Recv time.Time
}

// Passage is a hit with what there is to show of it. Make it with Passages.
type Passage struct {
	Hit
	Number uint64   // of the line in its repository
	Ref    fold.Ref // the entity that the line is about
	Name   string   // of the entity, or the model
	Trace  fold.Ref // the trace or session it hangs in; zero if it hangs in none
	Role   string   // "input", "output", "message", "result", "name", … : the field with the hit
	// Text is the passage around the first hit, at most 240 bytes; Marks are the hits'
	// places in it, as pairs of byte offsets.
	Text  string
	Marks [][2]int
}
