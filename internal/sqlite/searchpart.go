package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/words"
)

// searchPart is a file of a Search: the texts received within a month, or some of them.
type searchPart struct {
	*file
	name string       // 2026-01, and further parts of the month 2026-01-0002 and so on: by name is by time
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

// month returns the month of a part.
func (p *searchPart) month() string { return p.name[:len("2026-01")] }

// next returns the name of the part that follows within the month.
func (p *searchPart) next() string {
	n := 1
	if _, number, ok := strings.Cut(p.name[len("2026"):], "-"); ok {
		if _, number, ok = strings.Cut(number, "-"); ok {
			n, _ = strconv.Atoi(number) // anything else is not a name that this package gave
		}
	}
	return fmt.Sprintf("%s-%04d", p.month(), n+1)
}

// partName returns the name of the part that is in a file.
func partName(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "search-"), ".db")
}

func partFile(name string) string { return "search-" + name + ".db" }

// searchTuning uses small caches, because written pages are read again only by merges.
var searchTuning = tuning{synchronous: "NORMAL", writeCache: 4096, readCache: 2048}

// openPart opens or creates the file of a part.
func openPart(ctx context.Context, path string) (*searchPart, error) {
	f, err := open(path, searchTuning)
	if err != nil {
		return nil, err
	}
	f.read.SetMaxIdleConns(1) // there may be many parts
	p := &searchPart{file: f, name: partName(path), repos: map[string]int64{}}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(f.opening(err), p.close())
	}
	return p, nil
}

func (p *searchPart) prepare(ctx context.Context) (err error) {
	if err := p.migrate(ctx, "search"); err != nil {
		return err
	}
	if p.conn, err = p.write.Conn(ctx); err != nil {
		return p.fail("connecting", err)
	}
	// Not many rows at once: within a transaction SQLite begins a savepoint for such a
	// statement, and at each savepoint FTS5 writes a segment, to be merged later.
	if p.word, err = p.conn.PrepareContext(ctx, `INSERT INTO words (rowid, t) VALUES (?, ?)`); err != nil {
		return p.fail("preparing statements", err)
	}
	if p.mark, err = newBulk(ctx, p.conn, 32, `INSERT INTO blocks (bno, recv) VALUES `, 2, ` ON CONFLICT DO NOTHING`); err != nil {
		return p.fail("preparing statements", err)
	}
	err = p.conn.QueryRowContext(ctx, `SELECT at FROM cur`).Scan(&p.at)
	return p.fail("reading the cursor", err)
}

// add adds texts and moves the cursor, all or nothing.
func (p *searchPart) add(ctx context.Context, texts []store.TextAt, to store.Cursor) error {
	err := p.transaction(ctx, &p.writes.add, "adding texts", func() error {
		if err := p.insert(ctx, texts); err != nil {
			return err
		}
		_, err := p.conn.ExecContext(ctx, `UPDATE cur SET at = ?`, int64(to))
		return err
	})
	if err != nil {
		clear(p.repos) // rolled back repositories have no number
		return err
	}
	p.at = to
	return nil
}

func (p *searchPart) insert(ctx context.Context, texts []store.TextAt) error {
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
		rno, err := p.repo(ctx, t.Repo)
		if err != nil {
			return err
		}
		if p.row = words.Append(p.row[:0], t.Text); len(p.row) == 0 {
			continue
		}
		rows = append(rows, row{rowid(rno, t.Loc), string(p.row)})
		if t.Block != last {
			blocks, last = append(blocks, t.Block, t.Recv.UnixMicro()), t.Block
		}
	}
	// FTS5 writes a segment each time that a rowid is less than the one before.
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	if err := p.mark.run(ctx, blocks, func(*sql.Rows) error { return nil }); err != nil {
		return err
	}
	// The driver starts a goroutine for each statement whose context may end.
	pace, whole := pacer{ended: ctx.Err}, context.WithoutCancel(ctx)
	for _, r := range rows {
		if err := pace.step(); err != nil {
			return err
		}
		if _, err := p.word.ExecContext(whole, r.id, r.words); err != nil {
			return err
		}
	}
	return nil
}

func rowid(rno int64, at store.Loc) int64 {
	return rno<<repoShift | at.Block<<blockShift | int64(at.Index)
}

// repo returns the number of a repository.
func (p *searchPart) repo(ctx context.Context, name string) (int64, error) {
	if rno, ok := p.repos[name]; ok {
		return rno, nil
	}
	var rno int64
	err := p.conn.QueryRowContext(ctx, `INSERT INTO repos (name) VALUES (?)
		ON CONFLICT (name) DO UPDATE SET name = name RETURNING rno`, name).Scan(&rno)
	if err != nil {
		return 0, err
	}
	if rno > maxRepoNo {
		return 0, fmt.Errorf("no room for repository %d", rno)
	}
	p.repos[name] = rno
	return rno, nil
}

// hide excludes the blocks up to and including before from searches.
func (p *searchPart) hide(ctx context.Context, before store.Cursor) error {
	return p.transaction(ctx, &p.writes.prune, "hiding", func() error {
		_, err := p.conn.ExecContext(ctx, `UPDATE cur SET gone = max(gone, ?)`, int64(before))
		return err
	})
}

// seal checkpoints the journal, so that all added texts survive a loss of power.
func (p *searchPart) seal(ctx context.Context) error {
	var busy, pages, moved int
	err := p.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(FULL)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errors.New("a query holds up the checkpoint")
	}
	return p.fail("writing out", err)
}

func (p *searchPart) transaction(ctx context.Context, took *longest, operation string, fn func() error) error {
	return p.fail(operation, p.transact(ctx, p.conn, took, fn))
}

// remove closes the part and removes its files.
func (p *searchPart) remove() error { return errors.Join(p.close(), removeFiles(p.path)) }

// close closes all that is open, also after a failed prepare.
func (p *searchPart) close() error {
	for _, s := range []*sql.Stmt{p.word, p.mark.one, p.mark.many} {
		if s != nil {
			s.Close() // SQLite keeps the connection, and its files, as long as one is open
		}
	}
	if p.conn != nil {
		p.conn.Close()
	}
	return p.file.close()
}
