package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/collector/store"
)

// month is the part of a Search that was received within a month.
type month struct {
	*file
	path string
	name string       // such as 2026-01: by name is by time
	at   store.Cursor // how much of the log is in this file or an older one; of the writer

	conn  *sql.Conn // of the writer
	word  *sql.Stmt
	mark  bulk
	repos map[string]int64 // numbers of repositories; of the writer
	row   []byte           // of the writer
}

// The parts of a rowid: rno << repoShift | bno << blockShift | idx.
const (
	blockShift = 7 // store.BlockLines is 128
	repoShift  = 43
	maxBlockNo = 1<<(repoShift-blockShift) - 1
	maxRepoNo  = 1<<(63-repoShift) - 1
)

func monthName(t time.Time) string { return t.UTC().Format("2006-01") }

func monthFile(name string) string { return "search-" + name + ".db" }

// searchTuning: what was written is read again only when it is merged.
var searchTuning = tuning{synchronous: "NORMAL", writeCache: 4096, readCache: 2048}

// openMonth opens or creates the file of a month.
func openMonth(ctx context.Context, path string) (*month, error) {
	f, err := open(path, searchTuning)
	if err != nil {
		return nil, err
	}
	f.read.SetMaxIdleConns(1) // there may be many months
	m := &month{file: f, path: path, repos: map[string]int64{}}
	m.name = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "search-"), ".db")
	if err := m.prepare(ctx); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *month) prepare(ctx context.Context) (err error) {
	if err := m.migrate(ctx, "search"); err != nil {
		return err
	}
	if m.conn, err = m.write.Conn(ctx); err != nil {
		return m.fail("connecting", err)
	}
	// Not many rows at once: within a transaction SQLite begins a savepoint for such a
	// statement, and at each savepoint FTS5 writes a segment, to be merged later.
	if m.word, err = m.conn.PrepareContext(ctx, `INSERT INTO words (rowid, t) VALUES (?, ?)`); err != nil {
		return m.fail("preparing statements", err)
	}
	if m.mark, err = newBulk(ctx, m.conn, 32, `INSERT INTO blocks (bno, recv) VALUES `, 2, ` ON CONFLICT DO NOTHING`); err != nil {
		return m.fail("preparing statements", err)
	}
	err = m.conn.QueryRowContext(ctx, `SELECT at FROM cur`).Scan(&m.at)
	return m.fail("reading the cursor", err)
}

// add adds texts and moves the cursor, all or nothing.
func (m *month) add(ctx context.Context, texts []store.TextAt, to store.Cursor) error {
	err := m.transaction(ctx, &m.writes.add, "adding texts", func() error {
		if err := m.insert(ctx, texts); err != nil {
			return err
		}
		_, err := m.conn.ExecContext(ctx, `UPDATE cur SET at = ?`, int64(to))
		return err
	})
	if err != nil {
		clear(m.repos) // what was rolled back has no number
		return err
	}
	m.at = to
	return nil
}

func (m *month) insert(ctx context.Context, texts []store.TextAt) error {
	type row struct {
		id    int64
		words string
	}
	rows := make([]row, 0, len(texts))
	var blocks []any
	last := int64(-1)
	for _, t := range texts {
		if t.Block > maxBlockNo || t.Index < 0 || t.Index >= store.BlockLines {
			return fmt.Errorf("no room for line %d of block %d", t.Index, t.Block)
		}
		rno, err := m.repo(ctx, t.Repo)
		if err != nil {
			return err
		}
		if m.row = store.AppendWords(m.row[:0], t.Text); len(m.row) == 0 {
			continue
		}
		rows = append(rows, row{rowid(rno, t.Loc), string(m.row)})
		if t.Block != last {
			blocks, last = append(blocks, t.Block, t.Recv.UnixMicro()), t.Block
		}
	}
	// FTS5 writes a segment each time that a rowid is less than the one before.
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	if err := m.mark.run(ctx, blocks, func(*sql.Rows) error { return nil }); err != nil {
		return err
	}
	// The driver starts a goroutine for each statement whose context may end.
	pace, whole := pacer{ended: ctx.Err}, context.WithoutCancel(ctx)
	for _, r := range rows {
		if err := pace.step(); err != nil {
			return err
		}
		if _, err := m.word.ExecContext(whole, r.id, r.words); err != nil {
			return err
		}
	}
	return nil
}

func rowid(rno int64, at store.Loc) int64 {
	return rno<<repoShift | at.Block<<blockShift | int64(at.Index)
}

// repo returns the number of a repository.
func (m *month) repo(ctx context.Context, name string) (int64, error) {
	if rno, ok := m.repos[name]; ok {
		return rno, nil
	}
	var rno int64
	err := m.conn.QueryRowContext(ctx, `INSERT INTO repos (name) VALUES (?)
		ON CONFLICT (name) DO UPDATE SET name = name RETURNING rno`, name).Scan(&rno)
	if err != nil {
		return 0, err
	}
	if rno > maxRepoNo {
		return 0, fmt.Errorf("no room for repository %d", rno)
	}
	m.repos[name] = rno
	return rno, nil
}

// forget hides blocks up to and with before.
func (m *month) forget(ctx context.Context, before store.Cursor) error {
	return m.transaction(ctx, &m.writes.forget, "forgetting", func() error {
		_, err := m.conn.ExecContext(ctx, `UPDATE cur SET gone = max(gone, ?)`, int64(before))
		return err
	})
}

// seal makes what was added survive the loss of power.
func (m *month) seal(ctx context.Context) error {
	var busy, pages, moved int
	err := m.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(FULL)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errors.New("a query holds up the checkpoint")
	}
	return m.fail("writing out", err)
}

func (m *month) transaction(ctx context.Context, took *longest, operation string, fn func() error) error {
	return m.fail(operation, m.transact(ctx, m.conn, took, fn))
}

// remove closes the month and removes its files.
func (m *month) remove() error {
	err := m.close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if gone := os.Remove(m.path + suffix); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// close closes the month, whatever of it is open.
func (m *month) close() error {
	for _, s := range []*sql.Stmt{m.word, m.mark.one, m.mark.many} {
		if s != nil {
			s.Close() // SQLite keeps the connection, and its files, as long as one is open
		}
	}
	if m.conn != nil {
		m.conn.Close()
	}
	return m.file.close()
}
