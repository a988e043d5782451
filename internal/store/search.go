package store

import (
	"context"
	"errors"
	"time"
)

// Search finds lines by the words of their texts: messages, answers, inputs, outputs, tool
// arguments, documents, names, errors. A dedicated worker derives it from a Log, so that the
// Index does not wait for it. Package words defines words and their equality. Methods are safe
// for concurrent use, end when ctx does, and fail with ErrClosed once the cluster is closed.
type Search interface {
	// Cursor returns the place in the Log up to which lines can be found.
	Cursor(ctx context.Context) (Cursor, error)

	// Add adds texts and moves the cursor. texts holds all texts of the blocks between from
	// and to, in the order of their places. It fails with ErrStale if the cursor is not at
	// from. After an error the cursor may be after any block in between; the texts before it
	// are added.
	Add(ctx context.Context, texts []TextAt, from, to Cursor) error

	// Find returns hits, newest first. It fails with ErrQuery if the query is too long. It
	// ignores words without a letter or digit, and finds nothing if none are left. A word with
	// several parts, such as "gpt-4o", is a phrase.
	Find(ctx context.Context, q SearchQuery) ([]Hit, error)

	// Reset empties the search and puts the cursor to the beginning.
	Reset(ctx context.Context) error
}

// Limits of a SearchQuery, for words, phrases and exclusions together.
const (
	MaxTerms      = 64
	MaxTermsBytes = 16 << 10
)

// ErrQuery is returned for a search of more than MaxTerms or MaxTermsBytes.
var ErrQuery = errors.New("store: the search has too many words: use fewer")

// TextAt is the text of a line.
type TextAt struct {
	Loc
	Repo string
	Recv time.Time
	Text string
}

// SearchQuery asks for lines that have all of Words and Phrases and none of Not.
type SearchQuery struct {
	Repo     string
	Words    []string
	Phrases  []string
	Not      []string
	From, To time.Time // of reception, To excluded; zero means no limit
	After    Loc       // the last hit of the page before; zero for the first page
	Limit    int       // at least 1
}

// Hit is a line that a search found.
type Hit struct {
	Loc
	Recv time.Time
}
