package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// pruneWords limits the lines that one step of Prune takes out of a part.
	pruneWords = 500
	// mergePages limits the pages that one step of Prune rewrites, to about 2 MiB.
	mergePages = 512
)

// Prune implements store.Pruner. It begins with damaged files that were set aside, because they
// hold lines to be deleted.
func (x *Search) Prune(ctx context.Context, before store.Cursor) error {
	if err := x.removeAside(); err != nil {
		return err
	}
	parts, err := x.hide(ctx, before)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := x.prunePart(ctx, p, before); err != nil {
			return err
		}
	}
	return nil
}

// hide excludes blocks from searches, removes the parts that held nothing else, and returns the
// other parts.
func (x *Search) hide(ctx context.Context, before store.Cursor) ([]*searchPart, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return nil, store.ErrClosed
	}
	// The newest part stays in any case: it holds the cursor.
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

// prunePart takes the words of blocks up to and including before out of a part. It deletes the
// rows, which only marks them, and then rewrites the part without them. The table of blocks comes
// last: if the process is killed before, the next call starts again.
func (x *Search) prunePart(ctx context.Context, p *searchPart, before store.Cursor) error {
	left := false
	err := x.step(ctx, p, func() error {
		return p.fail("looking for lines to prune", p.conn.QueryRowContext(ctx,
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
	// A negative number of pages begins a merge of everything; a positive number continues it.
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
		return p.transaction(ctx, &p.writes.prune, "pruning", func() error {
			_, err := p.conn.ExecContext(ctx, `DELETE FROM blocks WHERE bno <= ?`, int64(before))
			return err
		})
	})
}

// step runs a function on a part, unless the part was removed meanwhile. Then it waits for as
// long as that took, so that texts are added at half the speed at least.
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

// deleteSome deletes some lines of blocks up to and including before, and reports whether there
// may be more.
func (p *searchPart) deleteSome(ctx context.Context, before store.Cursor) (more bool, err error) {
	err = p.transaction(ctx, &p.writes.prune, "pruning", func() error {
		var gone []int64
		rows, err := p.conn.QueryContext(ctx, `SELECT d.id FROM repos r CROSS JOIN words_docsize d
			WHERE d.id BETWEEN r.rno << ?1 AND (r.rno << ?1) + ?2 LIMIT ?3`,
			repoShift, rowid(0, store.Loc{Block: int64(before), Index: store.BlockLines - 1}), pruneWords)
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
		more = len(gone) == pruneWords
		for _, id := range gone {
			if _, err := p.conn.ExecContext(ctx, `DELETE FROM words WHERE rowid = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// mergeSome rewrites some pages and reports whether there may be more.
func (p *searchPart) mergeSome(ctx context.Context, pages int) (more bool, err error) {
	err = p.transaction(ctx, &p.writes.prune, "merging", func() error {
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
