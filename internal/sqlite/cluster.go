package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/internal/store"
)

// Names in the folder of a cluster, beside the files of the search.
const (
	lockFile    = "lock"
	logFile     = "log.db"
	indexFile   = "index.db"
	filesFolder = "blobs"
)

// ErrInUse is returned by Open for a folder that another collector has open, in this process
// or another.
var ErrInUse = errors.New("another collector uses the folder: stop it, or choose another folder")

// Cluster is a store.Cluster in one folder, with one shard for all repositories. A file lock
// keeps other processes out while it is open.
type Cluster struct {
	dir     string
	logger  *slog.Logger
	lock    *flock.Flock
	log     *Log
	index   *Index
	search  *Search
	files   *Files
	secrets [][]byte
	shards  []*store.Shard // one

	closing sync.Once
	failure error // of Close, written within closing
}

var _ store.Cluster = (*Cluster)(nil)

// Open opens the cluster in a folder and creates the folder if it does not exist. All files
// are private to this user; links in the folder are refused. A damaged index or search is
// renamed to a name with .damaged at its end and rebuilt from the log, which logger reports. A
// damaged log is a *store.DamagedError. prices are passed to OpenIndex. ctx bounds the opening
// only. Close the cluster.
func Open(ctx context.Context, dir string, prices fold.Prices, logger *slog.Logger) (*Cluster, error) {
	c := &Cluster{dir: dir, logger: logger}
	if err := c.open(ctx, prices); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.shards = []*store.Shard{{
		Name: "all", Log: c.log, Retention: c.log, Index: c.index, Lists: c.index, IndexPruner: c.index,
		Search: c.search, SearchPruner: c.search, Lease: func(string) store.Lease { return heldLease{} },
	}}
	return c, nil
}

// open locks the folder before it touches any other file, and opens the log before the index
// and the search.
func (c *Cluster) open(ctx context.Context, prices fold.Prices) error {
	shared, err := private.Folder(c.dir)
	if err != nil {
		return err
	}
	if shared {
		c.logger.Warn("other users can enter the folder that lines are stored in: make it mode 0700", "folder", c.dir)
	}
	if err := c.takeLock(); err != nil {
		return err
	}
	if err := c.openLog(ctx); err != nil {
		return err
	}
	if err := c.openIndex(ctx, prices); err != nil {
		return err
	}
	if err := c.openSearch(ctx); err != nil {
		return err
	}
	if err := c.resetForeign(ctx); err != nil {
		return err
	}
	if c.secrets, err = openSecrets(c.path(secretFile), c.logger); err != nil {
		return err
	}
	c.files, err = OpenFiles(c.path(filesFolder))
	return err
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) takeLock() error {
	path := c.path(lockFile)
	if _, err := private.File(path); err != nil {
		return err
	}
	lock := flock.New(path, flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("locking: %w", err)
	case !locked:
		return ErrInUse
	}
	c.lock = lock
	return nil
}

// openLog opens the log. It refuses a log that lost its content: an empty log beside an
// index with content, and an empty or missing log beside its journal. SQLite would delete
// the journal, and with it the last lines.
func (c *Cluster) openLog(ctx context.Context) error {
	path := c.path(logFile)
	info, err := os.Lstat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	empty := err == nil && info.Mode().IsRegular() && info.Size() == 0
	switch {
	case (missing || empty) && hasContent(path+"-wal"):
		return c.adviseOnLog(&store.DamagedError{File: logFile, Err: errors.New("it is missing or empty, " +
			"and its journal log.db-wal is not: if log.db was moved away alone, move it back")})
	case empty && hasContent(c.path(indexFile)):
		return c.adviseOnLog(&store.DamagedError{File: logFile, Err: errors.New("it is empty, and the index of its lines is not")})
	}
	c.log, err = OpenLog(ctx, path)
	return c.adviseOnLog(err)
}

func hasContent(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Size() > 0
}

// adviseOnLog adds advice to the error of a damaged log, which cannot be rebuilt. Its
// journals must go with it: SQLite would replay them over a copy.
func (c *Cluster) adviseOnLog(err error) error {
	if _, damaged := errors.AsType[*store.DamagedError](err); !damaged {
		return err
	}
	return fmt.Errorf("%w; the lines are in %s and its journals only: save what can be read with \"sqlite3 %[3]s .recover\"; "+
		"then move %[3]s, %[3]s-wal and %[3]s-shm away together to begin anew, "+
		"or put back a copy of %[3]s after these three are gone from the folder", err, c.path(logFile), logFile)
}

func (c *Cluster) openIndex(ctx context.Context, prices fold.Prices) error {
	path := c.path(indexFile)
	index, err := OpenIndex(ctx, path, prices)
	if _, damaged := errors.AsType[*store.DamagedError](err); damaged {
		aside, asideErr := SetAside(path)
		if asideErr != nil {
			return errors.Join(err, asideErr)
		}
		c.reportRenewed("the index", aside, err)
		index, err = OpenIndex(ctx, path, prices)
	}
	c.index = index
	return err
}

// openSearch sets one damaged part aside at a time, until the others can be opened.
func (c *Cluster) openSearch(ctx context.Context) error {
	for {
		search, err := OpenSearch(ctx, c.dir)
		damage, damaged := errors.AsType[*store.DamagedError](err)
		if !damaged {
			c.search = search
			return err
		}
		aside, asideErr := SetSearchAside(c.dir, damage.File)
		if asideErr != nil {
			return errors.Join(err, asideErr)
		}
		c.reportRenewed("the search", aside, err)
	}
}

func (c *Cluster) reportRenewed(name, aside string, err error) {
	c.logger.Error(name+" was damaged: it was set aside and is built anew from the log", "aside", aside, "error", err)
}

// resetForeign empties the index or the search if it is ahead of the log. The log must then
// be another one, or an older copy, and new lines would be skipped.
func (c *Cluster) resetForeign(ctx context.Context) error {
	head, err := c.log.Head(ctx)
	if err != nil {
		return c.adviseOnLog(err)
	}
	dropped, _, err := c.log.Dropped(ctx)
	if err != nil {
		return c.adviseOnLog(err)
	}
	for _, derived := range []struct {
		name   string
		cursor func(context.Context) (store.Cursor, error)
		reset  func(context.Context) error
	}{{"the index", c.index.Cursor, c.index.Reset}, {"the search", c.search.Cursor, c.search.Reset}} {
		at, err := derived.cursor(ctx)
		if err != nil {
			return err
		}
		if at <= max(head, dropped) {
			continue
		}
		c.logger.Warn(derived.name+" was made from another log than the one in the folder: it is built anew",
			"at", int64(at), "log", int64(head))
		if err := derived.reset(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Shard implements store.Cluster.
func (c *Cluster) Shard(context.Context, string) (*store.Shard, error) { return c.shards[0], nil }

// Shards implements store.Cluster.
func (c *Cluster) Shards() []*store.Shard { return c.shards }

// Files implements store.Cluster.
func (c *Cluster) Files() store.Files { return c.files }

// Secrets implements store.Credentials.
func (c *Cluster) Secrets(context.Context) ([][]byte, error) { return c.secrets, nil }

// heldLease is a lease that always holds: the lock of the folder keeps other processes out.
type heldLease struct{}

// Hold implements store.Lease.
func (heldLease) Hold(context.Context) (bool, error) { return true, nil }

// Release implements store.Lease.
func (heldLease) Release(context.Context) error { return nil }

// Ready implements store.Cluster.
func (c *Cluster) Ready(ctx context.Context) (storage, log error) {
	return c.probeFolder(), c.log.Probe(ctx)
}

// probeFolder writes a page to a new file in the folder and removes the file.
func (c *Cluster) probeFolder() error {
	f, err := os.CreateTemp(c.dir, "probe-")
	if err != nil {
		return err
	}
	removed := os.Remove(f.Name()) // before it is written, so that a killed process leaves nothing
	_, err = f.Write(make([]byte, 4<<10))
	err = errors.Join(err, f.Close())
	if removed != nil {
		err = errors.Join(err, os.Remove(f.Name())) // Windows does not remove open files
	}
	return err
}

// Close implements store.Cluster. It gives the lock back last.
func (c *Cluster) Close() error {
	c.closing.Do(func() { c.failure = c.close() })
	return c.failure
}

// close closes the parts that are open: all, unless open failed.
func (c *Cluster) close() error {
	var errs []error
	if c.search != nil {
		errs = append(errs, c.search.Close())
	}
	if c.index != nil {
		errs = append(errs, c.index.Close())
	}
	if c.log != nil {
		errs = append(errs, c.log.Close())
	}
	if c.files != nil {
		errs = append(errs, c.files.Close())
	}
	if c.lock != nil {
		errs = append(errs, c.lock.Unlock())
	}
	return errors.Join(errs...)
}
