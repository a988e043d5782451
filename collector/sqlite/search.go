package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/troupelog/troupe/collector/store"
)

// Search is a store.Search in files of their own in a folder, one for each month of
// reception in UTC: search-2026-01.db and so on. A month that retention has done with is
// removed with its file. The newest file holds the cursor. The folder belongs to one
// Search at a time.
type Search struct {
	dir string

	writing sync.Mutex // held by what writes

	mu     sync.RWMutex // held for reading while months are searched
	months []*month     // oldest first; written with both mutexes held
	at     store.Cursor // written with both mutexes held
	closed bool         // written with both mutexes held
}

var _ store.Search = (*Search)(nil)

// OpenSearch opens the search whose files are in a folder; the first text creates one.
// ctx bounds the opening only. Close the search.
func OpenSearch(ctx context.Context, dir string) (*Search, error) {
	names, err := filepath.Glob(filepath.Join(dir, monthFile("*")))
	if err != nil {
		return nil, err
	}
	slices.Sort(names) // by time, as their names are
	x := &Search{dir: dir}
	for _, name := range names {
		m, err := openMonth(ctx, name)
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		x.months = append(x.months, m)
		x.at = m.at
	}
	return x, nil
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
		m, err := x.monthOf(ctx, monthName(texts[0].Recv))
		if err != nil {
			return err
		}
		n := slices.IndexFunc(texts, func(t store.TextAt) bool { return monthName(t.Recv) > m.name })
		upTo := to
		if n < 0 {
			n = len(texts)
		} else {
			upTo = store.Cursor(texts[n-1].Block)
		}
		if err := x.add(ctx, m, texts[:n], upTo); err != nil {
			return err
		}
		texts = texts[n:]
	}
	if x.at == to {
		return nil
	}
	if len(x.months) > 0 {
		return x.add(ctx, x.months[len(x.months)-1], nil, to)
	}
	x.moveTo(to) // nothing to be found, so it does not matter that the next process starts over
	return nil
}

// add adds texts to the newest month and moves the cursor.
func (x *Search) add(ctx context.Context, m *month, texts []store.TextAt, to store.Cursor) error {
	if err := m.add(ctx, texts, to); err != nil {
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

// monthOf returns the newest month, which texts of the named one go to. Times of
// reception grow, so an older one is never asked for.
func (x *Search) monthOf(ctx context.Context, name string) (*month, error) {
	if n := len(x.months); n > 0 {
		newest := x.months[n-1]
		if name <= newest.name {
			return newest, nil
		}
		// The next file's cursor says that all before is in this one.
		if err := newest.seal(ctx); err != nil {
			return nil, err
		}
	}
	m, err := openMonth(ctx, filepath.Join(x.dir, monthFile(name)))
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.months = append(x.months, m)
	return m, nil
}

// Forget implements store.Search.
func (x *Search) Forget(ctx context.Context, before store.Cursor) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return store.ErrClosed
	}
	// The newest file stays whatever it holds: the cursor is in it.
	for len(x.months) > 1 && x.months[0].at <= before {
		if err := x.removeOldest(); err != nil {
			return err
		}
	}
	for _, m := range x.months {
		if err := m.forget(ctx, before); err != nil {
			return err
		}
	}
	return nil
}

// removeOldest waits for queries under way.
func (x *Search) removeOldest() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := x.months[0]
	x.months = x.months[1:]
	return m.remove()
}

// Reset implements store.Search. The newest month goes last: as long as it is there, so
// is the cursor.
func (x *Search) Reset(context.Context) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return store.ErrClosed
	}
	for len(x.months) > 0 {
		if err := x.removeOldest(); err != nil {
			return err
		}
	}
	x.moveTo(0)
	return nil
}

// Size returns how many bytes the files take, as far as they are written out.
func (x *Search) Size() int64 {
	names, _ := filepath.Glob(filepath.Join(x.dir, monthFile("*")+"*")) // the pattern is well formed
	var size int64
	for _, name := range names {
		if info, err := os.Stat(name); err == nil { // or it has just gone
			size += info.Size()
		}
	}
	return size
}

// Close implements store.Search. It waits for queries under way.
func (x *Search) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	var errs []error
	for _, m := range x.months {
		errs = append(errs, m.close())
	}
	x.months = nil
	return errors.Join(errs...)
}
