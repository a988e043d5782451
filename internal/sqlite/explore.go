package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// maxSorted limits how many traces of a time range are sorted in memory. If there are more,
// the listing walks an index in sort order instead.
const maxSorted = 20_000

// filtering builds a listing from a filter.
type filtering struct {
	*listing
	f    store.Filter
	kind protocol.Kind // fold.Trace or fold.Session
	repo int64
	must []int64 // labels that all traces have
	many bool    // maxSorted or more have all of these, each for itself
	now  time.Time
}

// filter begins a listing of the traces that match.
func (x *Index) filter(ctx context.Context, tx *sql.Tx, f store.Filter) (*filtering, error) {
	return x.filterKind(ctx, tx, protocol.Trace, f)
}

// filterKind begins a listing of the traces or sessions that match.
func (x *Index) filterKind(ctx context.Context, tx *sql.Tx, kind protocol.Kind, f store.Filter) (*filtering, error) {
	repo, err := x.repos.lookup(ctx, tx, f.Repo)
	w := &filtering{listing: &listing{x: x, tx: tx, ctx: ctx, none: repo == 0}, f: f, kind: kind, repo: repo, now: time.Now()}
	if err != nil || repo == 0 {
		return w, err
	}
	w.where(`t.repo = ? AND t.kind = `+strconv.Itoa(int(kind)), repo) // a literal: partial indexes hold traces only
	if f.Session != (fold.Key{}) {
		if err := w.session(f.Session); err != nil {
			return w, err
		}
	}
	if err := w.among(); err != nil {
		return w, err
	}
	for _, t := range f.Terms {
		if err := w.term(t); err != nil {
			return w, err
		}
	}
	return w, nil
}

// among asks for given traces only.
func (w *filtering) among() error {
	if w.f.Among == nil {
		return nil
	}
	enos := []int64{}
	err := inChunks(w.f.Among, keyArg, func(placeholders string, args []any) error {
		return each(w.ctx, w.tx, func(row *sql.Rows) error {
			var eno int64
			err := row.Scan(&eno)
			enos = append(enos, eno)
			return err
		}, `SELECT eno FROM entities WHERE k IN (`+placeholders+`)`, args...)
	})
	list, _ := json.Marshal(enos) // integers always marshal
	w.where(`t.eno IN (SELECT value FROM json_each(?))`, string(list))
	return err
}

// ranged bounds a column with times.
func (w *filtering) ranged(column string) {
	if !w.f.From.IsZero() {
		w.where(column+` >= ?`, w.f.From.UnixMicro())
	}
	if !w.f.To.IsZero() {
		w.where(column+` < ?`, w.f.To.UnixMicro())
	}
}

// choose decides where the listing begins: with given traces, a session, the rarest
// label or status that all must have, or the time. It returns the columns of time and
// number, by which it can be ordered; byTime says that it will be.
func (w *filtering) choose(byTime bool) (at, eno string, err error) {
	at, eno = `t.at`, `t.eno`
	by := int64(0) // the label that the listing goes along
	switch {
	case w.f.Among != nil:
		w.from = `tops t NOT INDEXED`
	case w.f.Session != (fold.Key{}):
		w.from = `tops t INDEXED BY tops_session`
		w.where(`t.session > 0`)
	default:
		rarest, err := w.rarest()
		if err != nil {
			return "", "", err
		}
		switch {
		case w.many && !byTime:
		case rarest != 0:
			by = rarest
			w.from, at, eno = `marks m CROSS JOIN tops t ON t.eno = m.eno`, `m.at`, `m.eno`
			w.where(`m.label = ?`, rarest)
		case w.kind == protocol.Trace && w.byStatus():
			w.from = `tops t INDEXED BY tops_status`
			w.where(`t.status <> 1`)
		}
	}
	w.ranged(at)
	for _, label := range w.must {
		if label == by {
			continue
		}
		w.where(`EXISTS (SELECT 1 FROM marks WHERE label = ? AND at = t.at AND eno = t.eno)`, label)
	}
	return at, eno, nil
}

// byStatus reports whether a status is asked for that few traces have.
func (w *filtering) byStatus() bool {
	for _, t := range w.f.Terms {
		if t.Field == store.FieldStatus && !t.Not && t.Value != statusNames[statusEnded] {
			return true
		}
	}
	return false
}

// rarest returns the label, of those that all traces must have, that the fewest have.
func (w *filtering) rarest() (rarest int64, err error) {
	fewest := everLater
	from, to := int64(-everLater), int64(everLater)
	if !w.f.From.IsZero() {
		from = w.f.From.UnixMicro()
	}
	if !w.f.To.IsZero() {
		to = w.f.To.UnixMicro()
	}
	for _, label := range w.must {
		n := 0
		err := w.tx.QueryRowContext(w.ctx, `SELECT count(*) FROM (SELECT 1 FROM marks WHERE label = ? AND at >= ? AND at < ? LIMIT ?)`,
			label, from, to, w.x.sorted).Scan(&n)
		if err != nil {
			return 0, err
		}
		if n < fewest {
			rarest, fewest = label, n
		}
	}
	w.many = rarest != 0 && fewest >= w.x.sorted
	return rarest, nil
}

// Rows implements store.Lists.
func (x *Index) Rows(ctx context.Context, q store.RowQuery) ([]store.Row, error) {
	var rows []store.Row
	err := x.view(ctx, "listing traces", func(tx *sql.Tx) error {
		w, err := x.filterKind(ctx, tx, cmp.Or(q.Kind, protocol.Trace), q.Filter)
		if err != nil || w.none {
			return err
		}
		if w.kind != protocol.Trace && q.Sort != store.Newest && q.Sort != store.Oldest {
			return fmt.Errorf("%w: sessions have no order %q", store.ErrTerm, string(q.Sort))
		}
		if err := w.sorted(q); err != nil {
			return err
		}
		found, err := w.run(q.Limit)
		if err != nil {
			return err
		}
		texts, err := w.excerpts(found)
		for _, f := range found {
			r := listRow(f.row.entity, f.top, q.Sort)
			r.First, r.Last = cmp.Or(r.First, texts[f.top.first.key].First), cmp.Or(r.Last, texts[f.top.last.key].Last)
			rows = append(rows, r)
		}
		return err
	})
	return rows, err
}

// excerpts loads the generations whose text is shown for traces without input or output.
func (w *filtering) excerpts(of []listed) (map[fold.Key]*fold.Entity, error) {
	texts := map[fold.Key]*fold.Entity{{}: {}}
	var keys []fold.Key
	want := func(own string, e excerpt) {
		if own == "" && e.said {
			keys = append(keys, e.key)
		}
		texts[e.key] = texts[fold.Key{}]
	}
	for _, f := range of {
		want(f.row.entity.First, f.top.first)
		want(f.row.entity.Last, f.top.last)
	}
	rows, err := w.x.rowsByKey(w.ctx, w.tx, keys)
	for _, r := range rows {
		texts[r.entity.Key] = &r.entity
	}
	return texts, err
}

// sorted puts the listing in order, behind the last row of the page before.
func (w *filtering) sorted(q store.RowQuery) error {
	by, eno, err := w.choose(q.Sort == store.Newest || q.Sort == store.Oldest)
	if err != nil {
		return err
	}
	compare, direction := `<`, ` DESC`
	switch q.Sort {
	case store.Oldest:
		compare, direction = `>`, ``
	case store.Slowest, store.Costliest:
		if by, err = w.measured(q.Sort); err != nil {
			return err
		}
		eno = `t.eno`
	}
	w.order = by + direction + `, ` + eno + direction
	if q.After == (store.Place{}) {
		return nil
	}
	after, err := enoOf(w.ctx, w.tx, q.After.Key)
	if after == 0 && q.Sort == store.Oldest {
		after = everLater // it was forgotten: go on behind all that have the same place
	}
	w.where(`(`+by+`, `+eno+`) `+compare+` (?, ?)`, q.After.By, after)
	return err
}

// measured returns the column of an order that is not by time. Where many traces are in
// the range, it walks along the index of that column.
func (w *filtering) measured(sort store.Sort) (string, error) {
	column, index := `t.dur`, `tops_dur`
	if sort == store.Costliest {
		column, index = `t.cost`, `tops_cost`
	}
	if w.from != "" {
		return column, nil
	}
	n := 0
	if w.many {
		n = w.x.sorted
	} else {
		query, args := w.query(``, `1`, w.x.sorted)
		if err := w.tx.QueryRowContext(w.ctx, `SELECT count(*) FROM (`+query+`)`, args...).Scan(&n); err != nil {
			return "", err
		}
	}
	if n >= w.x.sorted {
		w.from = `tops t INDEXED BY ` + index
	}
	return column, nil
}
