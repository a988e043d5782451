package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// Get implements store.Index.
func (x *Index) Get(ctx context.Context, keys []fold.Key) ([]fold.Entity, error) {
	var entities []fold.Entity
	err := x.view(ctx, "reading entities", func(tx *sql.Tx) error {
		var version int64
		if err := tx.QueryRowContext(ctx, `SELECT version FROM cur`).Scan(&version); err != nil {
			return err
		}
		known, unknown := x.rows.get(version, keys)
		loaded, err := x.rowsByKey(ctx, tx, unknown)
		if err != nil {
			return err
		}
		x.rows.fill(version, unknown, loaded)
		entities = thin(append(known, loaded...))
		return x.nameSessions(ctx, tx, pointers(entities))
	})
	return entities, err
}

func pointers(entities []fold.Entity) []*fold.Entity {
	all := make([]*fold.Entity, len(entities))
	for i := range entities {
		all[i] = &entities[i]
	}
	return all
}

// nameSessions sets the ids of sessions as they are shown: a line may name a session by
// the safe id that was derived from it.
func (x *Index) nameSessions(ctx context.Context, q queryer, entities []*fold.Entity) error {
	derived := map[fold.Key][]*fold.Entity{}
	for _, e := range entities {
		if e.SessionID != "" && protocol.MayBeDerived(e.SessionID) {
			derived[e.Session] = append(derived[e.Session], e)
		}
	}
	return inChunks(slices.Collect(maps.Keys(derived)), keyArg, func(placeholders string, args []any) error {
		return each(ctx, q, func(rows *sql.Rows) error {
			var key sql.RawBytes
			var id string
			if err := rows.Scan(&key, &id); err != nil {
				return err
			}
			for _, e := range derived[fold.Key(key)] {
				e.SessionID = id
			}
			return nil
		}, `SELECT k, id FROM entities WHERE k IN (`+placeholders+`)`, args...)
	})
}

// thin returns the entities of rows.
func thin(rows []*row) []fold.Entity {
	entities := make([]fold.Entity, len(rows))
	for i, r := range rows {
		entities[i] = r.entity
	}
	return entities
}

// Locs implements store.Index.
func (x *Index) Locs(ctx context.Context, keys []fold.Key) ([]store.Loc, error) {
	var locs []store.Loc
	err := x.view(ctx, "reading places", func(tx *sql.Tx) error {
		return inChunks(keys, keyArg, func(placeholders string, args []any) error {
			return each(ctx, tx, func(row *sql.Rows) error {
				var packed sql.RawBytes
				err := row.Scan(&packed)
				locs = places(packed).locs(locs)
				return err
			}, `SELECT places FROM entities WHERE k IN (`+placeholders+`)
				UNION ALL SELECT p.data FROM entities e JOIN places p USING (eno) WHERE e.k IN (`+placeholders+`)`, append(args, args...)...)
		})
	})
	slices.SortFunc(locs, store.Loc.Compare)
	return slices.Compact(locs), err
}

// Tree implements store.Index.
func (x *Index) Tree(ctx context.Context, root fold.Key) ([]fold.Entity, error) {
	var tree []*row
	err := x.view(ctx, "reading a tree", func(tx *sql.Tx) error {
		found, err := x.rowsByKey(ctx, tx, []fold.Key{root})
		if err != nil || len(found) == 0 {
			return err
		}
		top := found[0]
		if top.trace == 0 {
			tree, err = x.unattached(ctx, tx, top)
			return err
		}
		all, err := x.rowsOf(ctx, tx, `SELECT `+columns+` FROM entities e WHERE trace = ? AND trace > 0 ORDER BY eno`, top.trace)
		tree = below(top, all)
		if err == nil {
			err = x.nameSessions(ctx, tx, []*fold.Entity{&top.entity})
		}
		return err
	})
	return thin(tree), err
}

// below returns top and its descendants among the entities of its trace.
func below(top *row, all []*row) []*row {
	tree := make([]*row, 0, len(all))
	tree = append(tree, top)
	if top.eno == top.trace {
		for _, r := range all {
			if r.eno != top.eno {
				tree = append(tree, r)
			}
		}
		return tree
	}
	children := map[int64][]*row{}
	for _, r := range all {
		children[r.parent] = append(children[r.parent], r)
	}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i].eno]...)
	}
	return tree
}

// unattached returns the tree below an entity that is in no trace.
func (x *Index) unattached(ctx context.Context, tx *sql.Tx, top *row) ([]*row, error) {
	tree, seen := []*row{top}, map[int64]bool{top.eno: true}
	for level := []int64{top.eno}; len(level) > 0; {
		var next []int64
		err := inChunks(level, enoArg, func(placeholders string, args []any) error {
			found, err := x.rowsOf(ctx, tx, `SELECT `+columns+` FROM entities e
				WHERE trace = 0 AND parent > 0 AND parent IN (`+placeholders+`)`, args...)
			for _, r := range found {
				if !seen[r.eno] { // parents may go in a circle
					seen[r.eno] = true
					tree, next = append(tree, r), append(next, r.eno)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		level = next
	}
	return tree, nil
}

// enoOf returns the number of an entity, 0 if it is not there.
func enoOf(ctx context.Context, q queryer, key fold.Key) (eno int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT eno FROM entities WHERE k = ?`, key[:]).Scan(&eno)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return eno, err
}

// Counts implements store.Lists.
func (x *Index) Counts(ctx context.Context, repo string) (map[protocol.Kind]store.Count, error) {
	counts := map[protocol.Kind]store.Count{}
	err := x.view(ctx, "counting", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			var kind int
			var c store.Count
			err := row.Scan(&kind, &c.Entities, &c.Open)
			if c.Entities > 0 {
				counts[protocol.Kind(kind)] = c
			}
			return err
		}, `SELECT kind, entities, open FROM counts WHERE repo = (SELECT repo FROM repos WHERE name = ?)`, repo)
	})
	return counts, err
}

// Find implements store.Lists.
func (x *Index) Find(ctx context.Context, repo, prefix string, limit int) ([]fold.Entity, error) {
	isExact := func(r *row) bool {
		return r.entity.Key == fold.KeyOf(repo, protocol.Ref{Kind: r.entity.Ref.Kind, ID: prefix})
	}
	var found []*row
	err := x.view(ctx, "finding", func(tx *sql.Tx) error {
		var keys []fold.Key
		for _, kind := range protocol.Kinds() {
			keys = append(keys, fold.KeyOf(repo, protocol.Ref{Kind: kind, ID: prefix}))
		}
		exact, err := x.rowsByKey(ctx, tx, keys)
		if found = exact; err != nil || len(prefix) < minPrefix {
			return err
		}
		number, err := x.repos.lookup(ctx, tx, repo)
		if err != nil {
			return err
		}
		more, err := x.rowsOf(ctx, tx, `SELECT `+columns+` FROM entities e WHERE repo = ? AND id > ? AND id < ? ORDER BY id LIMIT ?`,
			number, prefix, prefix+"\xff\xff\xff\xff", max(limit, maxFound))
		for _, r := range more {
			if !isExact(r) {
				found = append(found, r)
			}
		}
		return err
	})
	slices.SortStableFunc(found, func(a, b *row) int {
		return cmp.Or(-cmp.Compare(boolean(isExact(a)), boolean(isExact(b))),
			listedAt(&b.entity).Compare(listedAt(&a.entity)))
	})
	return thin(found[:min(limit, len(found))]), err
}

const (
	// minPrefix is the minimum length of an id prefix, in bytes.
	minPrefix = 8
	// maxFound limits the ids with a prefix among which the newest are chosen.
	maxFound = 1000
)

// listing is a query for tops.
type listing struct {
	x     *Index
	tx    *sql.Tx
	ctx   context.Context
	from  string // tables; tops is t
	conds []string
	args  []any
	order string
	none  bool // nothing can match
}

// listed is a row of a list.
type listed struct {
	row *row
	top *top
}

func (l *listing) where(cond string, args ...any) {
	l.conds, l.args = append(l.conds, cond), append(l.args, args...)
}

// session asks for traces of a session only.
func (l *listing) session(key fold.Key) error {
	eno, err := enoOf(l.ctx, l.tx, key)
	if eno == 0 {
		l.none = true
	}
	l.where(`t.session = ?`, eno)
	return err
}

// run returns the first rows.
func (l *listing) run(limit int) (found []listed, err error) {
	if l.none {
		return nil, nil
	}
	var rows []*row
	err = l.each(limit, ` JOIN entities e ON e.eno = t.eno`, columns+`, `+topColumns, func(r *sql.Rows) error {
		var s topScan
		row, err := scanRow(r, s.dest()...)
		if err != nil {
			return err
		}
		t, err := s.result()
		rows, found = append(rows, row), append(found, listed{row, t})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := l.x.complete(l.ctx, l.tx, rows); err != nil {
		return nil, err
	}
	entities := make([]*fold.Entity, len(rows))
	for i, r := range rows {
		entities[i] = &r.entity
	}
	return found, l.x.nameSessions(l.ctx, l.tx, entities)
}

// each calls fn for the first rows.
func (l *listing) each(limit int, join, columns string, fn func(*sql.Rows) error) error {
	query, args := l.query(join, columns, limit)
	return each(l.ctx, l.tx, fn, query, args...)
}

// query returns a query for the first rows, limit at most.
func (l *listing) query(join, columns string, limit int) (string, []any) {
	from := l.from
	if from == "" {
		from = `tops t INDEXED BY tops_at`
	}
	query := `SELECT ` + columns + ` FROM ` + from + join
	for i, c := range l.conds {
		query += [...]string{` WHERE `, ` AND `}[min(i, 1)] + c
	}
	if l.order != "" {
		query += ` ORDER BY ` + l.order
	}
	return query + ` LIMIT ?`, append(slices.Clone(l.args), limit)
}

// everLater is a time behind all others.
const everLater = math.MaxInt64
