package service

import (
	"context"
	"io"

	"github.com/troupelog/troupe/internal/store"
)

// PutFile stores an upload under a key, which begins with its repository and a slash. It
// stores all of the content or nothing, and fails with store.ErrContent if reading the
// content fails.
func (s *Service) PutFile(ctx context.Context, key, mime string, content io.Reader) error {
	counted := &countedReader{Reader: content}
	// Only complete uploads count.
	if err := s.files.Put(ctx, key, mime, counted); err != nil {
		return err
	}
	s.counters.Uploaded.Add(counted.n)
	return nil
}

// OpenFile returns an upload of a repository, or store.ErrNotFound. Close it.
func (s *Service) OpenFile(ctx context.Context, repo, key string) (*store.File, error) {
	return s.files.Open(ctx, repo, key)
}

// countedReader counts the bytes that are read from it.
type countedReader struct {
	io.Reader
	n uint64
}

// Read implements io.Reader.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += uint64(n)
	return n, err
}
