package collector

import (
	"context"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/viewer"
)

// pages returns the viewer of what the collector stores.
func (c *Collector) pages() (*viewer.Viewer, error) {
	return viewer.New(viewer.Source{
		Log: c.log, Index: c.index, Explorer: c.explorer, Search: c.search, Blobs: c.blobs, Files: files{c.blobs},
		Prices: c.prices, Logger: c.logger, Settle: c.Settle, Append: c.appendOwn, Forget: c.Forget, FormKeys: c.formKeys, Watch: c.watch, About: c.about,
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

// appendOwn stores lines that somebody caused on a page.
func (c *Collector) appendOwn(ctx context.Context, repo string, lines [][]byte) error {
	_, err := c.log.Append(ctx, []store.Batch{{Repo: repo, First: 1, Recv: time.Now(), Lines: lines}})
	c.folder.notify()
	c.seeker.notify()
	return err
}

// watch returns a channel that gets something soon after anything was folded, until stop
// is called.
func (c *Collector) watch() (folded <-chan struct{}, stop func()) {
	changes, done := make(chan struct{}, 1), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-c.folder.next():
				tell(changes)
			case <-c.folder.done:
				return
			case <-done:
				return
			}
		}
	}()
	return changes, func() {
		close(done)
		<-ended
	}
}

// about says how the collector is.
func (c *Collector) about(ctx context.Context) viewer.About {
	a := viewer.About{
		Version: "(unknown)", Dir: c.dir, Started: c.started, Keyed: c.guard.keyed, Address: c.address(),
		Requests: c.counts.requests.Load(), Unauthorized: c.counts.unauthorized.Load(), Rejected: c.counts.rejected.Load(),
	}
	a.KeepFor, a.KeepBytes = c.keepFor, c.keepBytes
	if _, before, err := c.log.Dropped(ctx); err == nil {
		a.Forgotten = before
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		a.Version = info.Main.Version
	}
	if reason, ok := c.counts.last.Load().(string); ok {
		a.LastRejected = reason
	}
	a.LogBytes, a.IndexBytes = bytesOf(c.dir, "log.db*"), bytesOf(c.dir, "index.db*")
	a.SearchBytes, a.FileBytes = bytesOf(c.dir, "search*"), bytesOf(blobDir(c.dir), "*")
	if head, err := c.log.Head(ctx); err == nil {
		a.Behind = max(0, int64(head-c.folder.cursor()))
	}
	if behind, to, err := c.seeker.progress(ctx); err == nil {
		a.Unsearched, a.SearchedTo = behind, to
	}
	return a
}

// address returns where clients log to, "" if nobody serves and nobody said.
func (c *Collector) address() string {
	if c.guard.proxies.public != nil {
		return c.guard.proxies.public.String()
	}
	address, ok := c.serving.Load().(string)
	switch {
	case !ok:
		return ""
	case c.tls != nil:
		return "https://" + address
	default:
		return "http://" + address
	}
}

// blobDir is the folder of uploads.
func blobDir(dir string) string { return filepath.Join(dir, "blobs") }

// bytesOf adds up the files of a folder whose names match, as far as they can be seen.
func bytesOf(dir, pattern string) (sum int64) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { // what cannot be seen counts as nothing
		if err != nil {
			return nil //nolint:nilerr // as the comment says
		}
		if entry.IsDir() {
			if path != dir && !strings.HasSuffix(dir, "blobs") {
				return fs.SkipDir
			}
			return nil
		}
		if ok, _ := filepath.Match(pattern, entry.Name()); ok {
			if info, err := entry.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
