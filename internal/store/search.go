package store

import (
	"context"
	"errors"
	"time"
)

// Search is full text over what lines say: messages, answers, inputs, outputs, tool
// arguments, documents, names, errors. It is derived from a Log behind the Index, by a
// worker of its own, so that neither waits for it. Its methods are safe for concurrent
// use, end when ctx does, and fail with ErrClosed after Close. What words are, and when
// they are equal, AppendWords says.
type Search interface {
	Sized
	Trimmer
	Renewer

	// Cursor returns how much of the Log is searched.
	Cursor(ctx context.Context) (Cursor, error)

	// Add makes texts findable and moves the cursor. It fails with ErrStale if the cursor
	// is not at from. The texts are those of all blocks between from and to, in the order
	// of their places; lines that say nothing may be left out. After an error the cursor
	// may stand anywhere between the two, behind whole blocks, with what is before it added.
	Add(ctx context.Context, texts []TextAt, from, to Cursor) error

	// Find returns hits, newest first. It fails with ErrQuery if the query is too long. A
	// word without a letter or digit is passed by; with no words or phrases left, nothing
	// is found. A word of several, such as "gpt-4o", is a phrase.
	Find(ctx context.Context, q SearchQuery) ([]Hit, error)

	// Forget drops what belongs to lines that a Log dropped, blocks up to and with before:
	// it hides them at once, and then takes their words out of the files, in many short
	// steps between which texts are added. After an error it can be called again.
	Forget(ctx context.Context, before Cursor) error

	// Reset empties the search and puts the cursor to the beginning.
	Reset(ctx context.Context) error

	// Close releases it. A second Close does nothing.
	Close() error
}

// Bounds of a SearchQuery: words, phrases and what is excluded, together.
const (
	MaxTerms      = 64
	MaxTermsBytes = 16 << 10
)

// ErrQuery is returned for a search of more than MaxTerms or MaxTermsBytes.
var ErrQuery = errors.New("store: the search has too many words: use fewer")

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
