package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
)

// How many rows one transaction of Forget looks at: few enough that folding does not wait
// long, which depends on the disk.
const (
	forgetRows = 500
	fewestRows = 20
	forgetTime = 50 * time.Millisecond // what one is to take
)

// Prune implements store.Pruner. Entities are numbered in the order of their first
// lines, so that those behind the first one that began later need not be looked at.
// A file that was set aside goes first: it holds what is to be deleted.
func (x *Index) Prune(ctx context.Context, before store.Cursor) error {
	if err := removeFiles(x.path + asideSuffix); err != nil {
		return err
	}
	f := forgetting{before: int64(before), rows: forgetRows}
	after := int64(0)
	for more := true; more; {
		err := f.transaction(ctx, x, func() ([]*row, error) {
			found, err := x.rowsOf(ctx, x.conn, `SELECT `+columns+` FROM entities e WHERE eno > ? ORDER BY eno LIMIT ?`, after, f.rows)
			if more = len(found) > 0; more {
				last := found[len(found)-1]
				after, more = last.eno, last.born < f.before
			}
			return found, err
		})
		if err != nil {
			return err
		}
	}
	// What kept these may be gone now. A trace keeps its session, so traces are first.
	for _, list := range []*[]int64{&f.left, &f.waiting} {
		for enos := range slices.Chunk(*list, maxArgs) {
			err := f.transaction(ctx, x, func() (found []*row, err error) {
				err = inChunks(enos, enoArg, func(placeholders string, args []any) error {
					found, err = x.rowsOf(ctx, x.conn, `SELECT `+columns+` FROM entities e WHERE eno IN (`+placeholders+`)`, args...)
					return err
				})
				return found, err
			})
			if err != nil {
				return err
			}
		}
	}
	if !f.dropped {
		return nil
	}
	return x.forgetLabels(ctx)
}

// forgetting is one call of Forget.
type forgetting struct {
	*step   // of a transaction: it takes away
	before  int64
	rows    int     // of the next transaction
	dropped bool    // any entity
	left    []int64 // traces that something hangs in no more, because its parent is gone
	waiting []int64 // sessions that have traces and no lines
	missing int64   // the trace that was looked for last, if it is gone
}

// transaction drops those of the entities that read returns which are gone.
func (f *forgetting) transaction(ctx context.Context, x *Index, read func() ([]*row, error)) error {
	n, waiting, began := int64(0), f.waiting, time.Now()
	err := x.transaction(ctx, &x.writes.forget, "forgetting", func() error {
		found, err := read()
		if err != nil {
			return err
		}
		f.step = x.newStep(ctx, 0)
		n, err = f.run(found)
		return err
	})
	if err != nil {
		f.waiting = waiting
		return err
	}
	f.dropped = f.dropped || n > 0
	took := time.Since(began)
	switch {
	case took > forgetTime:
		f.rows = max(f.rows/2, fewestRows)
	case took < forgetTime/2:
		f.rows = min(f.rows+fewestRows, forgetRows)
	}
	return rest(ctx, took) // so that folding is half as fast at worst
}

// run drops those of the entities that are gone.
func (f *forgetting) run(rows []*row) (int64, error) {
	var gone []*row
	for _, r := range rows {
		if r.born >= f.before {
			break
		}
		is, err := f.gone(r)
		if err != nil {
			return 0, err
		}
		if is {
			gone = append(gone, r)
		}
	}
	if len(gone) == 0 {
		f.x.written = func() {} // nothing was
		return 0, nil
	}
	if _, err := f.x.conn.ExecContext(f.ctx, `UPDATE cur SET version = version + 1`); err != nil {
		return 0, err
	}
	f.x.trimmed.Store(false)
	f.x.tops.clear() // drop reads them from the file
	for _, r := range gone {
		if err := f.drop(r); err != nil {
			return 0, err
		}
	}
	f.deleted = gone
	if err := f.hang(); err != nil {
		return 0, err
	}
	for _, w := range f.works {
		if w.before.trace != w.row.trace && w.before.trace != 0 {
			f.left = append(f.left, w.before.trace)
		}
	}
	if err := f.count(); err != nil {
		return 0, err
	}
	return int64(len(gone)), f.write()
}

// gone reports whether no line of an entity is left, nor of what needs it.
func (f *forgetting) gone(r *row) (bool, error) {
	limit := (f.before + 1) * store.BlockLines
	if r.last >= limit {
		return false, nil
	}
	var left bool
	var err error
	switch r.entity.Ref.Kind {
	case fold.Trace:
		err = f.x.conn.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM entities WHERE trace = ? AND trace > 0 AND last >= ?)`, r.eno, limit).Scan(&left)
	case fold.Session:
		err = f.x.conn.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM tops WHERE session = ? AND session > 0)`, r.eno).Scan(&left)
		if left {
			f.waiting = append(f.waiting, r.eno)
		}
	}
	return !left, err
}

// drop deletes an entity and takes away what it counted.
func (f *forgetting) drop(r *row) error {
	f.tally(&r.entity, r.repo, -1)
	statements := []string{`DELETE FROM entities WHERE eno = ?`, `DELETE FROM places WHERE eno = ?`}
	switch r.entity.Ref.Kind {
	case fold.Trace, fold.Session:
		if err := f.dropTop(r); err != nil {
			return err
		}
		statements = append(statements, `DELETE FROM tops WHERE eno = ?`)
	default:
		t, err := f.top(r.trace)
		if err != nil {
			return err
		}
		f.countShare(t, nil, &work{before: r, row: r})
	}
	for _, s := range statements {
		if _, err := f.x.conn.ExecContext(f.ctx, s, r.eno); err != nil {
			return err
		}
	}
	return nil
}

// top returns the trace that goes on, nil if there is none.
func (f *forgetting) top(eno int64) (*top, error) {
	if t := f.tops[eno]; t != nil || eno == 0 || eno == f.missing {
		return t, nil
	}
	found, err := loadTops(f.ctx, f.x.conn, []int64{eno})
	if err != nil || len(found) == 0 {
		f.missing = eno
		return nil, err
	}
	f.tops[eno] = found[0]
	return found[0], nil
}

// dropTop lets a trace's session count it no more, and drops its marks.
func (f *forgetting) dropTop(r *row) error {
	t, err := f.top(r.eno)
	if err != nil || t == nil {
		return err
	}
	session, err := f.top(t.session)
	if err != nil {
		return err
	}
	if session != nil {
		session.sums[sumKinds+int(fold.Trace)]--
	}
	for _, l := range t.stored.labels {
		if _, err := f.x.stmts.dropMark.ExecContext(f.ctx, l, t.stored.columns.at, t.eno); err != nil {
			return err
		}
	}
	delete(f.tops, t.eno)
	delete(f.anew, t)
	return nil
}

// forgetLabels drops labels that no trace has any more.
func (x *Index) forgetLabels(ctx context.Context) error {
	x.trimmed.Store(false)
	after, last, end := int64(0), int64(0), false
	for !end {
		err := x.transaction(ctx, &x.writes.forget, "forgetting labels", func() error {
			err := x.conn.QueryRowContext(ctx, `SELECT coalesce(max(label), 0), count(*) < ? FROM
				(SELECT label FROM labels WHERE label > ? ORDER BY label LIMIT ?)`, forgetRows, after, forgetRows).Scan(&last, &end)
			if err != nil {
				return err
			}
			_, err = x.conn.ExecContext(ctx, `DELETE FROM labels WHERE label > ? AND label <= ?
				AND NOT EXISTS (SELECT 1 FROM marks WHERE marks.label = labels.label)`, after, last)
			after = last
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
