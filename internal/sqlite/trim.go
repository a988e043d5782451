package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// trimPages limits the pages that one transaction returns to the file system, to 512 KiB.
const trimPages = 128

// truncateWait limits how long other connections wait while a journal is emptied.
const truncateWait = 100 * time.Millisecond

// Size implements store.Space.
func (f *file) Size(ctx context.Context) (size int64, err error) {
	err = f.view(ctx, "measuring", func(tx *sql.Tx) error {
		var page, pages, free int64
		for _, ask := range []struct {
			pragma string
			into   *int64
		}{{"page_size", &page}, {"page_count", &pages}, {"freelist_count", &free}} {
			if err := tx.QueryRowContext(ctx, "PRAGMA "+ask.pragma).Scan(ask.into); err != nil {
				return err
			}
		}
		size = (pages - free) * page
		return nil
	})
	return size, err
}

// execFunc runs a function on the connection that writes, in a transaction or not.
type execFunc func(ctx context.Context, transact bool, fn func(*sql.Conn) error) error

// trim gives free pages back to the file system, overwrites the remains of deleted rows in other
// pages, and empties the journal, which has older copies of pages. It fails with
// store.ErrBusy if a reader still needs the journal.
func (f *file) trim(ctx context.Context, exec execFunc) error {
	if f.trimmed.Load() {
		return nil
	}
	f.trimmed.Store(true) // before the work: deletions from now on clear it again
	err := f.trimNow(ctx, exec)
	if err != nil {
		f.trimmed.Store(false)
	}
	return err
}

func (f *file) trimNow(ctx context.Context, exec execFunc) error {
	for before := int64(math.MaxInt64); ; {
		var free int64
		err := f.view(ctx, "counting free pages", func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free)
		})
		if err != nil {
			return err
		}
		if free == 0 || free >= before {
			break
		}
		before = free
		err = exec(ctx, true, func(conn *sql.Conn) error {
			rows, err := conn.QueryContext(ctx, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, trimPages))
			if err != nil {
				return err
			}
			return drain(rows, func(*sql.Rows) error { return nil }) // each row frees a page
		})
		if err != nil {
			return f.fail("shrinking", err)
		}
	}
	if err := f.scrub(ctx, exec); err != nil {
		return err
	}
	busy := false
	err := exec(ctx, false, func(conn *sql.Conn) (err error) {
		busy, err = truncateJournal(conn)
		return err
	})
	if err == nil && busy {
		return fmt.Errorf("sqlite: %s: %w", f.name, store.ErrBusy)
	}
	return f.fail("emptying the journal", err)
}

// truncateJournal copies the journal into the file and cuts it to nothing. It reports true
// if readers or other writers still need it.
func truncateJournal(conn *sql.Conn) (busy bool, err error) {
	// Whoever comes meanwhile waits as long as this does, so it must not wait for a long
	// query. It does not follow a context: the pragmas must not be cut short between.
	ctx := context.Background()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", truncateWait.Milliseconds())); err != nil {
		return false, err
	}
	var pages, moved int
	err = conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	_, restored := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds()))
	return busy, errors.Join(err, restored)
}

// Trim implements store.Space.
func (l *Log) Trim(ctx context.Context) error {
	return l.trim(ctx, func(ctx context.Context, transact bool, fn func(*sql.Conn) error) error {
		if transact {
			return l.chore(ctx, "shrinking", func(a *appender) error { return fn(a.conn) })
		}
		return l.job(ctx, func(a *appender) error { return fn(a.conn) })
	})
}

// Trim implements store.Space.
func (x *Index) Trim(ctx context.Context) error {
	return x.trim(ctx, func(ctx context.Context, transact bool, fn func(*sql.Conn) error) error {
		x.mu.Lock()
		began := time.Now()
		var err error
		if transact {
			err = x.transact(ctx, x.conn, &x.writes.prune, func() error { return fn(x.conn) })
		} else {
			err = fn(x.conn)
		}
		x.mu.Unlock()
		if err != nil {
			return err
		}
		return rest(ctx, time.Since(began))
	})
}

// Trim implements store.Space.
func (x *Search) Trim(ctx context.Context) error {
	x.writing.Lock()
	parts := slices.Clone(x.parts)
	x.writing.Unlock()
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.trim(ctx, func(ctx context.Context, transact bool, fn func(*sql.Conn) error) error {
			return x.step(ctx, p, func() error {
				if !transact {
					return fn(p.conn)
				}
				return p.transaction(ctx, &p.writes.prune, "shrinking", func() error { return fn(p.conn) })
			})
		}))
	}
	return errors.Join(errs...)
}

// Size implements store.Space.
func (x *Search) Size(ctx context.Context) (size int64, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return 0, store.ErrClosed
	}
	for _, p := range x.parts {
		n, err := p.Size(ctx)
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}
