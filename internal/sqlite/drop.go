package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// A transaction of Drop takes at most so much, so that lines are stored soon again.
const (
	dropBlocks = 40
	dropBytes  = 4 << 20 // of compressed lines; one block may be more
	dropSpools = 200
)

// seenEvery is the precision of a sender's last-seen time; each update costs a write.
const seenEvery = 24 * time.Hour

// Drop implements store.Retention.
func (l *Log) Drop(ctx context.Context, before time.Time) (store.Cursor, int64, error) {
	last, err := l.lastBefore(ctx, before)
	if err != nil {
		return 0, 0, err
	}
	lines, more := int64(0), last > 0
	for more {
		err := l.chore(ctx, "dropping blocks", func(a *appender) error {
			n, err := a.dropBlocks(ctx, last, before)
			lines, more = lines+n, n > 0
			return err
		})
		if err != nil {
			return 0, lines, err
		}
	}
	if err := l.dropSpools(ctx, before.Add(-store.ProducerTTL-seenEvery)); err != nil {
		return 0, lines, err
	}
	at, _, err := l.Dropped(ctx)
	return at, lines, err
}

// Dropped implements store.Retention.
func (l *Log) Dropped(ctx context.Context) (at store.Cursor, before time.Time, err error) {
	var us int64
	err = l.read.QueryRowContext(ctx, `SELECT bno, before FROM dropped`).Scan(&at, &us)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	return at, micros(us), l.fail("reading what was dropped", err)
}

// lastBefore returns the last block that was received before a time, or 0. Times of
// reception grow with the numbers of blocks.
func (l *Log) lastBefore(ctx context.Context, before time.Time) (int64, error) {
	var last int64
	err := l.view(ctx, "looking for blocks to drop", func(tx *sql.Tx) error {
		var low, high int64 // block low is older than before, or 0; blocks after high are not
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(bno), 0) FROM blocks`).Scan(&high); err != nil {
			return err
		}
		for low < high {
			var bno, recv int64
			err := tx.QueryRowContext(ctx, `SELECT bno, recv FROM blocks WHERE bno > ? ORDER BY bno LIMIT 1`,
				low+(high-low)/2).Scan(&bno, &recv)
			switch {
			case err == nil && recv < before.UnixMicro():
				low = bno
			case err == nil || errors.Is(err, sql.ErrNoRows):
				high = low + (high-low)/2
			default:
				return err
			}
		}
		return tx.QueryRowContext(ctx, `SELECT coalesce(max(bno), 0) FROM blocks WHERE bno <= ? AND recv < ?`,
			low, before.UnixMicro()).Scan(&last)
	})
	return last, err
}

// dropBlocks drops the oldest blocks up to and with last, as many as one transaction
// may, and returns how many lines they had: 0 if there is none left.
func (a *appender) dropBlocks(ctx context.Context, last int64, before time.Time) (lines int64, err error) {
	var upTo, recv int64
	rows, err := a.conn.QueryContext(ctx, `SELECT bno, recv, n, length(z) FROM blocks WHERE bno <= ? ORDER BY bno LIMIT ?`, last, dropBlocks)
	if err != nil {
		return 0, err
	}
	bytes := 0
	err = drain(rows, func(row *sql.Rows) error {
		var bno, at, n int64
		var size int
		if err := row.Scan(&bno, &at, &n, &size); err != nil {
			return err
		}
		if bytes += size; bytes <= dropBytes || lines == 0 {
			upTo, recv, lines = bno, at, lines+n
		}
		return nil
	})
	if err != nil || lines == 0 {
		return 0, err
	}
	a.file.trimmed.Store(false)
	if _, err := a.conn.ExecContext(ctx, `DELETE FROM blocks WHERE bno <= ?`, upTo); err != nil {
		return 0, err
	}
	_, err = a.conn.ExecContext(ctx, `INSERT INTO dropped (id, bno, recv, before) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET bno = excluded.bno, recv = excluded.recv, before = max(before, excluded.before)`,
		upTo, recv, before.UnixMicro())
	return lines, err
}

// dropSpools forgets senders that were seen last before a time.
func (l *Log) dropSpools(ctx context.Context, before time.Time) error {
	for after := int64(0); ; {
		var old []int64
		err := l.view(ctx, "looking for senders to forget", func(tx *sql.Tx) error {
			return each(ctx, tx, func(row *sql.Rows) error {
				err := row.Scan(&after)
				old = append(old, after)
				return err
			}, `SELECT sno FROM spools WHERE sno > ? AND seen < ? ORDER BY sno LIMIT ?`, after, before.UnixMicro(), dropSpools)
		})
		if err != nil || len(old) == 0 {
			return err
		}
		err = l.chore(ctx, "forgetting senders", func(a *appender) error {
			for _, sno := range old {
				// It may have come back meanwhile.
				gone, err := a.conn.ExecContext(ctx, `DELETE FROM spools WHERE sno = ? AND seen < ?`, sno, before.UnixMicro())
				if err != nil {
					return err
				}
				if n, err := gone.RowsAffected(); err != nil {
					return err
				} else if n == 0 {
					continue
				}
				if _, err := a.conn.ExecContext(ctx, `DELETE FROM acked WHERE sno = ?`, sno); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// Oldest implements store.Retention.
func (l *Log) Oldest(ctx context.Context, fn func(recv time.Time, bytes int64) bool) error {
	err := l.view(ctx, "looking for the oldest blocks", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			var recv, bytes int64
			if err := row.Scan(&recv, &bytes); err != nil {
				return err
			}
			if !fn(micros(recv), bytes) {
				return errFull
			}
			return nil
		}, `SELECT recv, length(z) FROM blocks ORDER BY bno`)
	})
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// chore runs a function in a transaction on the writer's goroutine. Then it waits as
// long as that took, so that lines are stored at half the speed at worst.
func (l *Log) chore(ctx context.Context, operation string, fn func(*appender) error) error {
	err := l.job(ctx, func(a *appender) error {
		return a.transaction(ctx, &a.file.writes.prune, func() error { return fn(a) })
	})
	if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
		return err
	}
	return l.fail(operation, err)
}

// job runs a function on the writer's goroutine, and waits as long as that took.
func (l *Log) job(ctx context.Context, fn func(*appender) error) error {
	var took time.Duration
	done := make(chan error, 1)
	job := func(a *appender) {
		began := time.Now()
		err := fn(a)
		took = time.Since(began)
		done <- err
	}
	select {
	case l.jobs <- job:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed:
		return store.ErrClosed
	}
	if err := <-done; err != nil {
		return err
	}
	return rest(ctx, took)
}

// rest waits as long as something took.
func rest(ctx context.Context, took time.Duration) error {
	select {
	case <-time.After(took):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
