package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/troupelog/troupe/collector/fold"
	"github.com/troupelog/troupe/collector/store"
)

// maxArgs is how many arguments one query gets at most.
const maxArgs = 256

func scanEntity(row *sql.Rows) (fold.Entity, error) {
	var e fold.Entity
	var key, parent, session []byte
	var kind int
	var start, end, seen int64
	var tags string
	err := row.Scan(
		&key, &e.Repo, &kind, &e.Ref.ID, &parent, &session, &e.SessionID, &e.Name, &e.Model, &e.Provider,
		&start, &end, &seen, &e.Started, &e.Ended, &e.Failed,
		&e.Usage.Input, &e.Usage.Output, &e.Usage.Total, &e.Usage.Cached, &e.Usage.Reasoning,
		&e.Cost.Input, &e.Cost.Output, &e.Cost.Total, &tags, &e.Lines,
	)
	if err != nil {
		return e, err
	}
	copy(e.Key[:], key)
	copy(e.Parent[:], parent)
	copy(e.Session[:], session)
	e.Ref.Kind = fold.Kind(kind)
	e.Start, e.End, e.Seen = micros(start), micros(end), micros(seen)
	if tags != "" {
		err = json.Unmarshal([]byte(tags), &e.Tags)
	}
	return e, err
}

// entities runs a query for columns.
func entities(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]fold.Entity, error) {
	var found []fold.Entity
	err := each(ctx, tx, func(row *sql.Rows) error {
		e, err := scanEntity(row)
		found = append(found, e)
		return err
	}, query, args...)
	return found, err
}

// inChunks calls fn with the keys as arguments, maxArgs at most at a time, and as
// many placeholders.
func inChunks(keys []fold.Key, fn func(placeholders string, args []any) error) error {
	for len(keys) > 0 {
		n := min(len(keys), maxArgs)
		args := make([]any, n)
		for i := range args {
			args[i] = keys[i][:]
		}
		if err := fn("?"+strings.Repeat(", ?", n-1), args); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// Get implements store.Index.
func (x *Index) Get(ctx context.Context, keys []fold.Key) ([]fold.Entity, error) {
	var found []fold.Entity
	err := x.view(ctx, "reading entities", func(tx *sql.Tx) error {
		return inChunks(keys, func(placeholders string, args []any) error {
			some, err := entities(ctx, tx, `SELECT `+columns+` FROM entities WHERE k IN (`+placeholders+`)`, args...)
			found = append(found, some...)
			return err
		})
	})
	return found, err
}

// Locs implements store.Index.
func (x *Index) Locs(ctx context.Context, keys []fold.Key) ([]store.Loc, error) {
	var locs []store.Loc
	seen := map[store.Loc]bool{}
	err := x.view(ctx, "reading places", func(tx *sql.Tx) error {
		return inChunks(keys, func(placeholders string, args []any) error {
			return each(ctx, tx, func(row *sql.Rows) error {
				var at store.Loc
				err := row.Scan(&at.Block, &at.Index)
				if !seen[at] {
					seen[at] = true
					locs = append(locs, at)
				}
				return err
			}, `SELECT l.bno, l.idx FROM entities e JOIN loc l ON l.eno = e.eno WHERE e.k IN (`+placeholders+`)`, args...)
		})
	})
	return locs, err
}

// below selects the keys of a tree, each once: UNION, unlike UNION ALL, ends circles.
const below = `WITH RECURSIVE below (k) AS (
	SELECT ?1
	UNION
	SELECT e.k FROM below JOIN entities e ON e.parent = below.k)`

// Tree implements store.Index.
func (x *Index) Tree(ctx context.Context, root fold.Key) ([]fold.Entity, error) {
	var tree []fold.Entity
	err := x.view(ctx, "reading a tree", func(tx *sql.Tx) (err error) {
		tree, err = entities(ctx, tx, below+` SELECT `+columns+` FROM below JOIN entities USING (k)`, root[:])
		return err
	})
	if i := slices.IndexFunc(tree, func(e fold.Entity) bool { return e.Key == root }); i > 0 {
		tree[0], tree[i] = tree[i], tree[0]
	}
	return tree, err
}

// List implements store.Index.
func (x *Index) List(ctx context.Context, q store.Query) ([]store.Row, error) {
	query := `SELECT ` + columns + ` FROM entities WHERE repo = ? AND kind = ?`
	args := []any{q.Repo, int(q.Kind)}
	if q.Session != (fold.Key{}) {
		query = `SELECT ` + columns + ` FROM entities WHERE session = ? AND repo = ? AND kind = ?`
		args = append([]any{q.Session[:]}, args...)
	}
	at := int64(math.MaxInt64)
	if !q.After.At.IsZero() {
		at = q.After.At.UnixMicro()
	}
	query += ` AND (at, k) < (?, ?) ORDER BY at DESC, k DESC LIMIT ?`
	args = append(args, at, q.After.Key[:], q.Limit)

	var rows []store.Row
	err := x.view(ctx, "listing", func(tx *sql.Tx) error {
		found, err := entities(ctx, tx, query, args...)
		for _, e := range found {
			row := store.Row{Entity: e, Position: position(e)}
			if err = total(ctx, tx, &row); err != nil {
				break
			}
			rows = append(rows, row)
		}
		return err
	})
	return rows, err
}

// total fills in what hangs below a row.
func total(ctx context.Context, tx *sql.Tx, row *store.Row) error {
	if row.Entity.Ref.Kind == fold.Session {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM entities WHERE session = ?`,
			row.Entity.Key[:]).Scan(&row.Children)
	}
	sum, err := readTotals(ctx, tx, row.Entity.Key)
	row.Children, row.Errors, row.Usage, row.Cost = sum.entities, sum.errors, sum.usage, sum.cost
	return err
}

// Counts implements store.Index.
func (x *Index) Counts(ctx context.Context, repo string) (map[fold.Kind]store.Count, error) {
	counts := map[fold.Kind]store.Count{}
	err := x.view(ctx, "counting", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			var kind int
			var c store.Count
			err := row.Scan(&kind, &c.Entities, &c.Open)
			counts[fold.Kind(kind)] = c
			return err
		}, `SELECT kind, count(*), sum(open) FROM entities WHERE repo = ? GROUP BY kind`, repo)
	})
	return counts, err
}
