package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync"

	"github.com/troupelog/troupe/collector/fold"
	"github.com/troupelog/troupe/collector/store"
)

// Index is a store.Index in one file.
type Index struct {
	*file
	mu    sync.Mutex // held while writing; guards the connection
	conn  *sql.Conn
	put   bulk
	place bulk
	add   bulk
}

var _ store.Index = (*Index)(nil)

// OpenIndex opens the index in the given file, which is created if it does not
// exist. ctx bounds the opening only. Close the index.
func OpenIndex(ctx context.Context, path string) (*Index, error) {
	f, err := open(path, "NORMAL")
	if err != nil {
		return nil, err
	}
	if err := f.migrate(ctx, "index"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	x := &Index{file: f}
	if err := x.prepare(ctx); err != nil {
		return nil, errors.Join(f.fail("preparing statements", err), f.close())
	}
	return x, nil
}

func (x *Index) prepare(ctx context.Context) (err error) {
	if x.conn, err = x.write.Conn(ctx); err != nil {
		return err
	}
	if x.put, err = newBulk(ctx, x.conn, 8, putEntities, 28, onConflict); err == nil {
		x.place, err = newBulk(ctx, x.conn, 64, `INSERT INTO loc (eno, bno, idx) VALUES `, 3, ` ON CONFLICT DO NOTHING`)
	}
	if err == nil {
		x.add, err = newBulk(ctx, x.conn, 16, addTotals, 11, onTotals)
	}
	if err != nil {
		return errors.Join(err, x.conn.Close())
	}
	return nil
}

// Cursor implements store.Index.
func (x *Index) Cursor(ctx context.Context) (store.Cursor, error) {
	var at store.Cursor
	err := x.read.QueryRowContext(ctx, `SELECT at FROM cur`).Scan(&at)
	return at, x.fail("reading the cursor", err)
}

// Apply implements store.Index.
func (x *Index) Apply(ctx context.Context, updates []store.Update, from, to store.Cursor) error {
	return x.transaction(ctx, "applying updates", func() error {
		moved, err := x.conn.ExecContext(ctx, `UPDATE cur SET at = ? WHERE at = ?`, int64(to), int64(from))
		if err != nil {
			return err
		}
		if n, err := moved.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, store.ErrStale)
		}
		if err := x.store(ctx, updates); err != nil {
			return err
		}
		return x.total(ctx, updates)
	})
}

// store writes the entities and then, by the numbers they got, the places.
func (x *Index) store(ctx context.Context, updates []store.Update) error {
	var args []any
	for _, u := range updates {
		args = append(args, entityArgs(u.Entity)...)
	}
	numbers := make(map[fold.Key]int64, len(updates))
	err := x.put.run(ctx, args, func(row *sql.Rows) error {
		var key []byte
		var eno int64
		if err := row.Scan(&key, &eno); err != nil {
			return err
		}
		numbers[fold.Key(key)] = eno
		return nil
	})
	if err != nil {
		return err
	}
	args = args[:0]
	for _, u := range updates {
		for _, at := range u.Lines {
			args = append(args, numbers[u.Entity.Key], at.Block, at.Index)
		}
	}
	return x.place.run(ctx, args, func(*sql.Rows) error { return nil })
}

// Reset implements store.Index.
func (x *Index) Reset(ctx context.Context) error {
	return x.transaction(ctx, "resetting", func() error {
		for _, query := range []string{`DELETE FROM loc`, `DELETE FROM totals`, `DELETE FROM entities`, `UPDATE cur SET at = 0`} {
			if _, err := x.conn.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *Index) transaction(ctx context.Context, operation string, fn func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	// Begin and end do not follow ctx: where it ends meanwhile they may take effect and
	// fail all the same.
	whole := context.WithoutCancel(ctx)
	if _, err := x.conn.ExecContext(whole, "BEGIN IMMEDIATE"); err != nil {
		return x.fail(operation, err)
	}
	err := fn()
	if err == nil {
		_, err = x.conn.ExecContext(whole, "COMMIT")
	}
	if err != nil {
		// Also when ctx has ended: the connection must not stay in a transaction.
		x.conn.ExecContext(whole, "ROLLBACK") //nolint:errcheck // the reason is in err
	}
	return x.fail(operation, err)
}

// Close implements store.Index.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range []*sql.Stmt{x.put.one, x.put.many, x.place.one, x.place.many, x.add.one, x.add.many} {
		s.Close() // SQLite keeps the connection, and its files, as long as one is open
	}
	x.conn.Close() // gives the connection back; a second time it only says so
	return x.close()
}

// columns of an entity, in the order of entityArgs and scanEntity.
const columns = `k, repo, kind, id, parent, session, session_id, name, model, provider,
	start, "end", seen, started, ended, failed, tin, tout, ttotal, tcached, treasoning,
	cin, cout, ctotal, tags, lines`

// putEntities inserts or overwrites entities. open and at follow from other columns
// and are there for the indexes.
const putEntities = `INSERT INTO entities (` + columns + `, open, at) VALUES `

const onConflict = ` ON CONFLICT (k) DO UPDATE SET parent = excluded.parent, session = excluded.session,
		session_id = excluded.session_id, name = excluded.name, model = excluded.model,
		provider = excluded.provider, start = excluded.start, "end" = excluded."end",
		seen = excluded.seen, started = excluded.started, ended = excluded.ended,
		failed = excluded.failed, tin = excluded.tin, tout = excluded.tout,
		ttotal = excluded.ttotal, tcached = excluded.tcached, treasoning = excluded.treasoning,
		cin = excluded.cin, cout = excluded.cout, ctotal = excluded.ctotal,
		tags = excluded.tags, lines = excluded.lines, open = excluded.open, at = excluded.at
	RETURNING k, eno`

func entityArgs(e fold.Entity) []any {
	return []any{
		e.Key[:], e.Repo, int(e.Ref.Kind), e.Ref.ID, nullKey(e.Parent), nullKey(e.Session), e.SessionID,
		e.Name, e.Model, e.Provider, e.Start.UnixMicro(), e.End.UnixMicro(), e.Seen.UnixMicro(),
		e.Started, e.Ended, e.Failed,
		e.Usage.Input, e.Usage.Output, e.Usage.Total, e.Usage.Cached, e.Usage.Reasoning,
		e.Cost.Input, e.Cost.Output, e.Cost.Total, tagsText(e.Tags), e.Lines,
		e.Open(), position(e).At.UnixMicro(),
	}
}

// position returns where an entity stands in lists.
func position(e fold.Entity) store.Position {
	if e.Start.IsZero() {
		return store.Position{At: e.Seen, Key: e.Key}
	}
	return store.Position{At: e.Start, Key: e.Key}
}

func nullKey(k fold.Key) any {
	if k == (fold.Key{}) {
		return nil
	}
	return k[:]
}

func tagsText(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	text, _ := json.Marshal(tags) // a map of strings always marshals
	return string(text)
}
