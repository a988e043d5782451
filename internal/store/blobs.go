package store

import "context"

// Blobs gives the bytes that a large line was uploaded as. It returns nil bytes
// where there is no such blob in the repository; then the line does nothing. What
// is uploaded after the line that names it was folded is seen by a rebuild only:
// clients upload first.
type Blobs interface {
	LargeLog(ctx context.Context, repo, key string) ([]byte, error)
}
