package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/store"
)

// Names of files in the folder.
const (
	lockFile  = "lock"
	logFile   = "log.db"
	indexFile = "index.db"
)

func (c *Collector) open(dir string) error {
	shared, err := private.Folder(dir)
	if err != nil {
		return err
	}
	if shared {
		c.logger.Warn("other users can enter the folder that lines are stored in: make it mode 0700", "folder", dir)
	}
	if _, err := private.File(filepath.Join(dir, lockFile)); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("locking: %w", err)
	case !locked:
		return ErrInUse
	}
	c.lock = lock
	ctx := context.Background()
	if err := c.openLog(ctx, dir); err != nil {
		return err
	}
	if err := c.openIndex(ctx, dir); err != nil {
		return err
	}
	if err := c.openSearch(ctx, dir); err != nil {
		return err
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	secrets, err := c.openSecrets(filepath.Join(dir, secretFile))
	if err != nil {
		return err
	}
	c.useSecrets(secrets)
	c.blobs, err = openBlobs(blobDir(dir))
	return err
}

// openLog opens the log. It refuses one that lost its content: an empty one beside an index
// that is not empty, and an empty or missing one beside its journal, which SQLite would delete.
func (c *Collector) openLog(ctx context.Context, dir string) error {
	path := filepath.Join(dir, logFile)
	info, err := os.Lstat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	empty := err == nil && info.Mode().IsRegular() && info.Size() == 0
	switch {
	case (missing || empty) && hasContent(path+"-wal"):
		return adviseOnLog(dir, &store.DamagedError{File: logFile, Err: errors.New("it is missing or empty, and its journal log.db-wal is not: " +
			"if log.db was moved away alone, move it back")})
	case empty && hasContent(filepath.Join(dir, indexFile)):
		return adviseOnLog(dir, &store.DamagedError{File: logFile, Err: errors.New("it is empty, and the index of its lines is not")})
	}
	// Errors go through variables of the concrete types: an interface must not come to hold
	// a nil pointer.
	log, err := sqlite.OpenLog(ctx, path)
	if err != nil {
		return adviseOnLog(dir, err)
	}
	c.log = log
	return nil
}

func hasContent(path string) bool {
	info, err := os.Lstat(path) //nolint:gosec // the folder is the user's own choice
	return err == nil && info.Size() > 0
}

// adviseOnLog says what to do about a damaged log, which nothing else can be made from. Its
// journals belong to it alone: SQLite would replay them over a copy.
func adviseOnLog(dir string, err error) error {
	if _, damaged := errors.AsType[*store.DamagedError](err); !damaged {
		return err
	}
	return fmt.Errorf("%w; the lines are in %s and its journals only: save what can be read with \"sqlite3 %[3]s .recover\"; "+
		"then move %[3]s, %[3]s-wal and %[3]s-shm away together to begin anew, "+
		"or put back a copy of %[3]s after these three are gone from the folder", err, filepath.Join(dir, logFile), logFile)
}

func (c *Collector) openIndex(ctx context.Context, dir string) error {
	path := filepath.Join(dir, indexFile)
	index, err := sqlite.OpenIndex(ctx, path, c.prices)
	if _, damaged := errors.AsType[*store.DamagedError](err); damaged {
		aside, asideErr := sqlite.SetAside(path)
		if asideErr != nil {
			return errors.Join(err, asideErr)
		}
		c.tellRenewed("the index", aside, err)
		index, err = sqlite.OpenIndex(ctx, path, c.prices)
	}
	if err != nil {
		return err
	}
	c.index, c.explorer = index, index
	return nil
}

func (c *Collector) openSearch(ctx context.Context, dir string) error {
	for {
		search, err := sqlite.OpenSearch(ctx, dir)
		damage, damaged := errors.AsType[*store.DamagedError](err)
		switch {
		case damaged:
			aside, asideErr := sqlite.SetSearchAside(dir, damage.File)
			if asideErr != nil {
				return errors.Join(err, asideErr)
			}
			c.tellRenewed("the search", aside, err)
			continue
		case err != nil:
			return err
		}
		c.search = search
		return nil
	}
}

// compare empties the index or the search where it is ahead of the log, which must then be
// another one, or an older copy: new lines would be passed by.
func (c *Collector) compare(ctx context.Context) error {
	head, err := c.log.Head(ctx)
	if err != nil {
		return adviseOnLog(c.dir, err)
	}
	dropped, _, err := c.log.Dropped(ctx)
	if err != nil {
		return adviseOnLog(c.dir, err)
	}
	for _, derived := range []struct {
		what   string
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
		c.logger.Warn(derived.what+" is of another log than the one in the folder: it is built anew", "at", int64(at), "log", int64(head))
		if err := derived.reset(ctx); err != nil {
			return err
		}
	}
	return nil
}

// tellRenewed says that something derived was damaged.
func (c *Collector) tellRenewed(what, aside string, err error) {
	c.logger.Error(what+" was damaged: it was set aside and is built anew from the log", "aside", aside, "error", err)
}

// removeAside removes what was set aside: it holds lines that are to be deleted.
func (c *Collector) removeAside() error {
	entries, err := os.ReadDir(c.dir)
	for _, entry := range entries {
		if strings.Contains(entry.Name(), ".db.damaged") { // and its journals
			if gone := os.Remove(filepath.Join(c.dir, entry.Name())); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return err
}
