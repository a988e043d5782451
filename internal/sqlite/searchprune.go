package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// forgetWords is how many lines one step of Forget takes out of a part.
	forgetWords = 500
	// mergePages is how many pages one step of Forget rewrites, about 2 MiB.
	mergePages = 512
)

// Prune implements store.Pruner. Files that were set aside go first: they hold what is to be
// deleted.
func (x *Search) Prune(ctx context.Context, before store.Cursor) error {
	if err := x.removeAside(); err != nil {
		return err
	}
	parts, err := x.hide(ctx, before)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := x.forget(ctx, p, before); err != nil {
			return err
		}
	}
	return nil
}

// hide lets blocks be found no more, removes the parts that held nothing else, and
// returns those that are left.
func (x *Search) hide(ctx context.Context, before store.Cursor) ([]*searchPart, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return nil, store.ErrClosed
	}
	// The newest part stays whatever it holds: the cursor is in it.
	for len(x.parts) > 1 && x.parts[0].at <= before {
		if err := x.removeOldest(); err != nil {
			return nil, err
		}
	}
	for _, p := range x.parts {
		if err := p.hide(ctx, before); err != nil {
			return nil, err
		}
	}
	return slices.Clone(x.parts), nil
}

// forget takes the words of blocks up to and with before out of a part: rows are deleted,
// which marks them, and then the part is rewritten without them. The blocks go from the
// table of blocks at the end, so that a process that is killed meanwhile is not the end of it.
func (x *Search) forget(ctx context.Context, p *searchPart, before store.Cursor) error {
	left := false
	err := x.step(ctx, p, func() error {
		return p.fail("looking for lines to forget", p.conn.QueryRowContext(ctx,
			`SELECT EXISTS (SELECT 1 FROM blocks WHERE bno <= ?)`, int64(before)).Scan(&left))
	})
	if err != nil || !left {
		return err
	}
	p.trimmed.Store(false)
	for more := true; more; {
		err := x.step(ctx, p, func() (err error) {
			more, err = p.deleteSome(ctx, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	// A negative number of pages begins a merge of everything; others go on with it.
	pages := -mergePages
	for more := true; more; pages = mergePages {
		err := x.step(ctx, p, func() (err error) {
			more, err = p.mergeSome(ctx, pages)
			return err
		})
		if err != nil {
			return err
		}
	}
	return x.step(ctx, p, func() error {
		return p.transaction(ctx, &p.writes.forget, "forgetting", func() error {
			_, err := p.conn.ExecContext(ctx, `DELETE FROM blocks WHERE bno <= ?`, int64(before))
			return err
		})
	})
}

// step runs a function on a part, unless the part has gone meanwhile. Then it waits as long
// as that took, so that texts are added at half the speed at worst.
func (x *Search) step(ctx context.Context, p *searchPart, fn func() error) error {
	x.writing.Lock()
	began := time.Now()
	var err error
	switch {
	case x.closed:
		err = store.ErrClosed
	case slices.Contains(x.parts, p):
		err = fn()
	}
	x.writing.Unlock()
	if err != nil {
		return err
	}
	return rest(ctx, time.Since(began))
}

// deleteSome deletes lines of blocks up to and with before, and reports whether there may
// be more.
func (p *searchPart) deleteSome(ctx context.Context, before store.Cursor) (more bool, err error) {
	err = p.transaction(ctx, &p.writes.forget, "forgetting", func() error {
		var gone []int64
		rows, err := p.conn.QueryContext(ctx, `SELECT d.id FROM repos r CROSS JOIN words_docsize d
			WHERE d.id BETWEEN r.rno << ?1 AND (r.rno << ?1) + ?2 LIMIT ?3`,
			repoShift, rowid(0, store.Loc{Block: int64(before), Index: store.BlockLines - 1}), forgetWords)
		if err != nil {
			return err
		}
		err = drain(rows, func(row *sql.Rows) error {
			var id int64
			err := row.Scan(&id)
			gone = append(gone, id)
			return err
		})
		if err != nil {
			return err
		}
		more = len(gone) == forgetWords
		for _, id := range gone {
			if _, err := p.conn.ExecContext(ctx, `DELETE FROM words WHERE rowid = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// mergeSome rewrites some pages of the index, and reports whether there may be more to
// rewrite.
func (p *searchPart) mergeSome(ctx context.Context, pages int) (more bool, err error) {
	err = p.transaction(ctx, &p.writes.forget, "merging", func() error {
		var before, after int64
		if err := p.conn.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&before); err != nil {
			return err
		}
		if _, err := p.conn.ExecContext(ctx, `INSERT INTO words (words, rank) VALUES ('merge', ?)`, pages); err != nil {
			return err
		}
		if err := p.conn.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&after); err != nil {
			return err
		}
		more = after-before >= 2 // the statement itself is one
		return nil
	})
	return more, err
}
