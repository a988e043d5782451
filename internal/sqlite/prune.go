package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// A transaction of Prune looks at fewestRows to pruneRows rows, as many as it can in pruneTime
// on this disk, so that folding does not wait long.
const (
	pruneRows  = 500
	fewestRows = 20
	pruneTime  = 50 * time.Millisecond
)

// Prune implements store.Pruner. Entities are numbered in the order of their first lines, so it
// stops at the first entity that began after the pruned blocks.
// A damaged file that was set aside is removed first, because it holds lines to be deleted.
func (x *Index) Prune(ctx context.Context, before store.Cursor) error {
	if err := removeFiles(x.path + asideSuffix); err != nil {
		return err
	}
	f := pruning{before: int64(before), rows: pruneRows}
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
	// The reasons to keep these may be gone now. A trace keeps its session, so traces come first.
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
	return x.pruneLabels(ctx)
}

// pruning is one call of Prune.
type pruning struct {
	*step   // of one transaction; it subtracts
	before  int64
	rows    int     // of the next transaction
	dropped bool    // any entity
	left    []int64 // traces that lost an entity because its parent was dropped
	waiting []int64 // sessions without lines that still have traces
	missing int64   // the last trace that was not found
}

// transaction drops the entities without lines among those that read returns.
func (f *pruning) transaction(ctx context.Context, x *Index, read func() ([]*row, error)) error {
	n, waiting, began := int64(0), f.waiting, time.Now()
	err := x.transaction(ctx, &x.writes.prune, "pruning", func() error {
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
	case took > pruneTime:
		f.rows = max(f.rows/2, fewestRows)
	case took < pruneTime/2:
		f.rows = min(f.rows+fewestRows, pruneRows)
	}
	return rest(ctx, took) // folding runs at half its speed at least
}

// run drops the entities without lines and returns their number.
func (f *pruning) run(rows []*row) (int64, error) {
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
		f.x.written = func() {} // nothing was written
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

// gone reports whether neither an entity nor anything that needs it has lines left.
func (f *pruning) gone(r *row) (bool, error) {
	limit := (f.before + 1) * store.BlockLines
	if r.last >= limit {
		return false, nil
	}
	var left bool
	var err error
	switch r.entity.Ref.Kind {
	case protocol.Trace:
		err = f.x.conn.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM entities WHERE trace = ? AND trace > 0 AND last >= ?)`, r.eno, limit).Scan(&left)
	case protocol.Session:
		err = f.x.conn.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM tops WHERE session = ? AND session > 0)`, r.eno).Scan(&left)
		if left {
			f.waiting = append(f.waiting, r.eno)
		}
	}
	return !left, err
}

// drop deletes an entity and subtracts its share of all sums.
func (f *pruning) drop(r *row) error {
	f.tally(&r.entity, r.repo, -1)
	statements := []string{`DELETE FROM entities WHERE eno = ?`, `DELETE FROM places WHERE eno = ?`}
	switch r.entity.Ref.Kind {
	case protocol.Trace, protocol.Session:
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

// top returns a trace or session that is kept, or nil if it is not there.
func (f *pruning) top(eno int64) (*top, error) {
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

// dropTop subtracts a trace from its session and drops its marks.
func (f *pruning) dropTop(r *row) error {
	t, err := f.top(r.eno)
	if err != nil || t == nil {
		return err
	}
	session, err := f.top(t.session)
	if err != nil {
		return err
	}
	if session != nil {
		session.sums[sumKinds+int(protocol.Trace)]--
	}
	for _, l := range t.stored.labels {
		if _, err := f.x.stmts.dropMark.ExecContext(f.ctx, l, t.stored.columns.at, t.eno); err != nil {
			return err
		}
	}
	delete(f.tops, t.eno)
	delete(f.stalePreviews, t)
	return nil
}

// pruneLabels drops labels that no trace has.
func (x *Index) pruneLabels(ctx context.Context) error {
	x.trimmed.Store(false)
	after, last, end := int64(0), int64(0), false
	for !end {
		err := x.transaction(ctx, &x.writes.prune, "pruning labels", func() error {
			err := x.conn.QueryRowContext(ctx, `SELECT coalesce(max(label), 0), count(*) < ? FROM
				(SELECT label FROM labels WHERE label > ? ORDER BY label LIMIT ?)`, pruneRows, after, pruneRows).Scan(&last, &end)
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
