package viewer

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// Source is what pages are made of. All of it must be safe for concurrent use.
type Source struct {
	Log      store.Log
	Index    store.Index
	Explorer store.Explorer
	Search   store.Search
	Blobs    store.Blobs
	Files    Files
	// FormKeys are secrets: the first makes the tokens of forms, and those of all are valid. At
	// least one is needed where forms are to be sent.
	FormKeys [][]byte
	Prices   *pricing.Table
	Logger   *slog.Logger

	// Settle waits until what was acknowledged before the call is in the Index.
	Settle func(context.Context) error
	// Append stores lines that readers cause, such as feedback.
	Append func(ctx context.Context, repo string, lines [][]byte) error
	// Forget deletes what was received before a time, in all repositories.
	Forget func(ctx context.Context, before time.Time) error
	// Watch returns a channel on which something is received soon after anything was
	// folded, and a function that ends this.
	Watch func() (folded <-chan struct{}, stop func())
	// About returns what the pages for settings and about tell of the collector.
	About func(context.Context) About
}

// Files gives the contents of attachments.
type Files interface {
	// Open returns the content that was uploaded under a key. It fails with
	// store.ErrNotFound if there is none.
	Open(ctx context.Context, repo, key string) (io.ReadSeekCloser, error)
}

// About is what a collector says of itself.
type About struct {
	Version                                                 string
	Dir                                                     string // where everything is stored
	Address                                                 string // that clients log to, such as http://127.0.0.1:4180
	Started                                                 time.Time
	LogBytes, IndexBytes, SearchBytes, FileBytes, FreeBytes int64
	KeepFor                                                 time.Duration // 0 keeps for good
	KeepBytes                                               int64         // 0 does not bound
	Forgotten                                               time.Time     // what was received before this was deleted; zero if nothing was
	// Requests, Unauthorized, and Rejected count since the start: log requests, those with
	// a wrong key, and lines that were malformed. LastRejected says why the last was.
	Requests, Unauthorized, Rejected uint64
	LastRejected                     string
	Keyed                            bool // an API key is needed
	// Behind is how many blocks are stored and not folded yet, Unsearched how many are not
	// searched yet.
	Behind, Unsearched int64
	SearchedTo         time.Time // when the last line that can be found was received
}
