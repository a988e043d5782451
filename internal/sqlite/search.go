package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/troupelog/troupe/internal/store"
)

// partBytes is the size at which the next part is started: deleting rewrites one part
// at most, a second or a few of work, and needs room for it on the disk.
const partBytes = 256 << 20

// resetting is the cursor of a search whose Reset is under way: no log gets so far.
const resetting store.Cursor = math.MaxInt64

// Search is a store.Search in separate files of a folder: one for each month of
// reception in UTC, search-2026-01.db and so on, and several for a month of more than
// 256 MiB. A part that retention has done with is removed with its file. The newest file
// holds the cursor. The folder belongs to one Search at a time.
type Search struct {
	dir   string
	limit int64 // partBytes, less in tests

	writing sync.Mutex // held by all writers; taken before mu

	mu     sync.RWMutex  // held for reading while parts are searched
	parts  []*searchPart // oldest first; written with both mutexes held
	at     store.Cursor  // written with both mutexes held
	closed bool          // written with both mutexes held
}

var (
	_ store.Search = (*Search)(nil)
	_ store.Pruner = (*Search)(nil)
)

// OpenSearch opens the search whose files are in a folder; the first text creates one.
// ctx bounds the opening only. Close the search.
func OpenSearch(ctx context.Context, dir string) (*Search, error) {
	paths, err := partPaths(dir)
	if err != nil {
		return nil, err
	}
	x := &Search{dir: dir, limit: partBytes}
	for _, path := range paths {
		p, err := openPart(ctx, path)
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		if p.at == 0 { // nothing was added before its process ended, or its format is a new one
			if err := p.remove(); err != nil {
				return nil, errors.Join(err, x.Close())
			}
			continue
		}
		x.parts = append(x.parts, p)
		x.at = p.at
	}
	if x.at == resetting {
		if err := x.Reset(ctx); err != nil {
			return nil, errors.Join(err, x.Close())
		}
	}
	return x, nil
}

// partPaths returns the files of the parts in a folder, oldest first.
func partPaths(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("sqlite: listing the files of the search: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasPrefix(name, "search-") && strings.HasSuffix(name, ".db") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(partName(a), partName(b)) })
	return paths, nil
}

// Cursor implements store.Search.
func (x *Search) Cursor(ctx context.Context) (store.Cursor, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return 0, store.ErrClosed
	}
	return x.at, ctx.Err()
}

// Add implements store.Search.
func (x *Search) Add(ctx context.Context, texts []store.TextAt, from, to store.Cursor) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	switch {
	case x.closed:
		return store.ErrClosed
	case x.at != from:
		return store.ErrStale
	}
	for len(texts) > 0 {
		p, err := x.partOf(ctx, monthName(texts[0].Recv))
		if err != nil {
			return err
		}
		n := slices.IndexFunc(texts, func(t store.TextAt) bool { return monthName(t.Recv) > p.month() })
		upTo := to
		if n < 0 {
			n = len(texts)
		} else {
			upTo = store.Cursor(texts[n-1].Block)
		}
		if err := x.add(ctx, p, texts[:n], upTo); err != nil {
			return err
		}
		texts = texts[n:]
	}
	if x.at == to {
		return nil
	}
	if len(x.parts) > 0 {
		return x.add(ctx, x.parts[len(x.parts)-1], nil, to)
	}
	x.moveTo(to) // nothing to be found, so it does not matter that the next process starts over
	return nil
}

// add adds texts to the newest part and moves the cursor.
func (x *Search) add(ctx context.Context, p *searchPart, texts []store.TextAt, to store.Cursor) error {
	if err := p.add(ctx, texts, to); err != nil {
		return err
	}
	x.moveTo(to)
	return nil
}

func (x *Search) moveTo(at store.Cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at = at
}

// partOf returns the newest part, which texts of a month go to. Times of reception grow,
// so an older one is never asked for.
func (x *Search) partOf(ctx context.Context, month string) (*searchPart, error) {
	name := month
	if n := len(x.parts); n > 0 {
		newest := x.parts[n-1]
		if month <= newest.month() {
			size, err := newest.Size(ctx)
			if err != nil || size < x.limit {
				return newest, err
			}
			name = newest.next()
		}
		// The next file's cursor says that all before is in this one.
		if err := newest.seal(ctx); err != nil {
			return nil, err
		}
	}
	p, err := openPart(ctx, filepath.Join(x.dir, partFile(name)))
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts = append(x.parts, p)
	return p, nil
}

// removeOldest waits for queries under way.
func (x *Search) removeOldest() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.parts[0]
	x.parts = x.parts[1:]
	return p.remove()
}

// Reset implements store.Search. The newest part says that a Reset is under way and goes last:
// if the process is killed meanwhile, OpenSearch finishes the Reset.
func (x *Search) Reset(ctx context.Context) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return store.ErrClosed
	}
	if n := len(x.parts); n > 0 {
		newest := x.parts[n-1]
		if err := x.add(ctx, newest, nil, resetting); err != nil {
			return err
		}
		if err := newest.seal(ctx); err != nil {
			return err
		}
	}
	for len(x.parts) > 0 {
		if err := x.removeOldest(); err != nil {
			return err
		}
	}
	x.moveTo(0)
	return nil
}

// Close implements store.Search. It waits for queries under way.
func (x *Search) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	var errs []error
	for _, p := range x.parts {
		errs = append(errs, p.close())
	}
	x.parts = nil
	return errors.Join(errs...)
}
