package collector

import (
	"context"
	"io"

	"github.com/troupelog/troupe/collector/store"
	"github.com/troupelog/troupe/collector/viewer"
)

// pages returns the viewer of what the collector stores.
func (c *Collector) pages() (*viewer.Viewer, error) {
	return viewer.New(viewer.Source{
		Log: c.log, Index: c.index, Blobs: c.blobs, Files: files{c.blobs},
		Logger: c.logger, Settle: c.Settle,
	})
}

// files is viewer.Files of the uploads.
type files struct{ blobs *blobs }

// Open implements viewer.Files.
func (f files) Open(_ context.Context, repo, key string) (io.ReadSeekCloser, error) {
	if !belongsTo(repo, key) {
		return nil, store.ErrNotFound
	}
	b, err := f.blobs.get(key)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, store.ErrNotFound
	}
	return upload{b.content(), b}, nil
}

// upload is the content of an open blob.
type upload struct {
	io.ReadSeeker
	blob *blob
}

// Close implements io.Closer.
func (u upload) Close() error { return u.blob.file.Close() }
