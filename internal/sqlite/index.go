package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
)

// Index is a store.Index, its store.Lists and its store.Pruner, in one file.
type Index struct {
	*file
	prices fold.Prices // nil knows none
	repos  repos
	rows   cache
	sorted int // maxSorted, but for tests

	mu     sync.Mutex // held while writing; guards the fields below
	conn   *sql.Conn
	stmts  statements
	next   int64 // the eno that the next new entity gets, while applying
	known  int64 // the version of the file that tops and labels reflect
	tops   lru[int64, *top]
	labels lru[labelKey, int64]
	// written updates the memory after a transaction was committed.
	written func()
}

var (
	_ store.Index  = (*Index)(nil)
	_ store.Lists  = (*Index)(nil)
	_ store.Pruner = (*Index)(nil)
)

// indexTuning: a step of folding comes back to the pages that it has read.
var indexTuning = tuning{synchronous: "NORMAL", writeCache: 24576, readCache: 4096}

// OpenIndex opens the index in the given file, which is created if it does not
// exist. Prices give the costs of generations that clients give none for; nil knows
// none. An index that was made with another version of them is emptied, to be folded
// again. ctx bounds the opening only. Close the index.
func OpenIndex(ctx context.Context, path string, prices fold.Prices) (*Index, error) {
	f, err := open(path, indexTuning)
	if err != nil {
		return nil, err
	}
	x := &Index{file: f, prices: prices, sorted: maxSorted}
	x.rows.rows.limit, x.tops.limit, x.labels.limit = maxCached, maxCached, maxCached
	if err = x.begin(ctx); err == nil {
		err = x.reprice(ctx)
	}
	if err != nil {
		return nil, errors.Join(f.opening(err), x.Close())
	}
	return x, nil
}

// begin migrates an open file and prepares the statements that write to it.
func (x *Index) begin(ctx context.Context) (err error) {
	if err := x.migrate(ctx, "index"); err != nil {
		return err
	}
	if x.conn, err = x.write.Conn(ctx); err == nil {
		err = x.stmts.prepare(ctx, x.conn)
	}
	return x.fail("preparing statements", err)
}

// pricesVersion returns the version of the prices, "" if there are none.
func (x *Index) pricesVersion() string {
	if x.prices == nil {
		return ""
	}
	return x.prices.Version()
}

// reprice empties the index if it was made with other prices.
func (x *Index) reprice(ctx context.Context) error {
	version, stored := x.pricesVersion(), ""
	if err := x.read.QueryRowContext(ctx, `SELECT prices FROM cur`).Scan(&stored); err != nil {
		return x.fail("reading the version of the prices", err)
	}
	if version == stored {
		return nil
	}
	return x.transaction(ctx, &x.writes.add, "taking other prices", func() error {
		if _, err := x.conn.ExecContext(ctx, `UPDATE cur SET prices = ?`, version); err != nil {
			return err
		}
		return x.empty(ctx)
	})
}

// Cursor implements store.Index.
func (x *Index) Cursor(ctx context.Context) (store.Cursor, error) {
	var at store.Cursor
	err := x.view(ctx, "reading the cursor", func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, `SELECT at FROM cur`).Scan(&at) })
	return at, err
}

// Apply implements store.Index.
func (x *Index) Apply(ctx context.Context, updates []store.Update, from, to store.Cursor) error {
	return x.transaction(ctx, &x.writes.add, "applying updates", func() error {
		var version int64
		err := x.conn.QueryRowContext(ctx, `UPDATE cur SET at = ?, version = version + 1 WHERE at = ? RETURNING version, next`,
			int64(to), int64(from)).Scan(&version, &x.next)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrStale
		}
		if err != nil {
			return err
		}
		return x.apply(ctx, updates, from, version)
	})
}

func (x *Index) apply(ctx context.Context, updates []store.Update, from store.Cursor, version int64) error {
	if x.known != version-1 { // somebody else wrote
		x.tops.clear()
		x.labels.clear()
	}
	if err := x.know(ctx, updates); err != nil {
		return err
	}
	s := x.newStep(ctx, from)
	if err := s.begin(version-1, updates); err != nil {
		return err
	}
	for _, part := range []func() error{s.hang, s.count, s.write} {
		if err := part(); err != nil {
			return err
		}
	}
	x.written = func() { s.remember(version) }
	_, err := x.conn.ExecContext(ctx, `UPDATE cur SET next = ?`, x.next)
	return err
}

// newStep returns a step in which nothing changes yet. The driver starts a goroutine for
// each statement whose context may end, so they get one that does not, and the step looks
// between them whether ctx has ended.
func (x *Index) newStep(ctx context.Context, from store.Cursor) *step {
	return &step{
		ctx: context.WithoutCancel(ctx), pace: pacer{ended: ctx.Err}, x: x, from: int64(from),
		byKey: map[fold.Key]*work{}, byEno: map[int64]*work{}, lookups: map[fold.Key]int64{},
		tops: map[int64]*top{}, labels: map[topLabel]int64{}, stalePreviews: map[*top]bool{},
		buckets: map[bucketKey]*bucket{}, counts: map[countKey]store.Count{},
	}
}

// remember caches the rows that a step wrote. It is called after the commit, never before:
// a rolled back step must leave no trace in memory.
func (s *step) remember(version int64) {
	rows := make([]*row, len(s.works))
	for i, w := range s.works {
		rows[i] = w.row
	}
	s.x.rows.move(version, rows)
	for eno, t := range s.tops {
		s.x.tops.put(eno, t)
	}
	s.x.known = version
}

// know gives new repositories their numbers.
func (x *Index) know(ctx context.Context, updates []store.Update) error {
	for _, u := range updates {
		number, err := x.repos.lookup(ctx, x.conn, u.Entity.Repo)
		if err != nil {
			return err
		}
		if number == 0 {
			if _, err := x.conn.ExecContext(ctx, `INSERT INTO repos (name) VALUES (?)`, u.Entity.Repo); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reset implements store.Index.
func (x *Index) Reset(ctx context.Context) error {
	return x.transaction(ctx, &x.writes.add, "resetting", func() error { return x.empty(ctx) })
}

func (x *Index) empty(ctx context.Context) error {
	x.trimmed.Store(false)
	for _, query := range []string{
		`DELETE FROM entities`, `DELETE FROM places`, `DELETE FROM tops`, `DELETE FROM labels`, `DELETE FROM marks`,
		`DELETE FROM counts`, `DELETE FROM rollups`, `UPDATE cur SET at = 0, version = version + 1`,
	} {
		if _, err := x.conn.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// forgetMemory drops all cached content of the file. Callers must hold mu.
func (x *Index) forgetMemory() {
	x.rows.clear()
	x.repos.clear()
	x.tops.clear()
	x.labels.clear()
	x.known = 0
}

func (x *Index) transaction(ctx context.Context, took *longest, operation string, fn func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.written = x.forgetMemory
	err := x.transact(ctx, x.conn, took, fn)
	if err != nil {
		x.forgetMemory()
	} else {
		x.written()
	}
	return x.fail(operation, err)
}

// Close implements store.Index.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stmts.close()
	if x.conn != nil {
		x.conn.Close() // gives the connection back; a second time it only says so
	}
	return x.close()
}
