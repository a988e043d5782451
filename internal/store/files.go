package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrContent is returned by Files.Put when its reader fails: the sender is to blame, not
// the disk. It wraps the error of the reader.
var ErrContent = errors.New("store: the content could not be read")

// Files holds uploads: attachments, and lines that are too large for a log request. A key
// begins with its repository and a slash. Methods are safe for concurrent use.
type Files interface {
	LargeLogs

	// Put stores content under a key and replaces an earlier file with the same key. It
	// stores all of the content or nothing. When it returns nil, the file survives the
	// loss of power.
	Put(ctx context.Context, key, mime string, content io.Reader) error

	// Open returns the file with a key, or ErrNotFound if the repository has none. Close it.
	Open(ctx context.Context, repo, key string) (*File, error)

	// Oldest calls fn for each file, oldest first, with the time at which it was stored and
	// its size in bytes, until fn returns false.
	Oldest(ctx context.Context, fn func(stored time.Time, bytes int64) bool) error

	// Prune deletes the files that were stored before a time. After an error it can be
	// called again.
	Prune(ctx context.Context, before time.Time) error
}

// LargeLogs reads the lines that were uploaded because of their size.
type LargeLogs interface {
	// LargeLog returns the content that a large line was uploaded as, or nil if the
	// repository has no such upload. A line whose upload is missing has no effect. An
	// upload that arrives after its line was folded is seen only by a rebuild; clients
	// therefore upload first.
	LargeLog(ctx context.Context, repo, key string) ([]byte, error)
}

// File is the content of an upload, open for reading. One goroutine may use it at a time.
type File struct {
	io.ReadSeekCloser
	MIME string // as the sender declared it; application/octet-stream if that is malformed
}
