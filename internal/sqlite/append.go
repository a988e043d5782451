package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// appender writes batches on one connection. It belongs to the log's writer.
type appender struct {
	file  *file
	conn  *sql.Conn
	codec *codec

	lastRecv                           *sql.Stmt
	addRepo, findRepo, countRepo       *sql.Stmt
	addSpool, findSpool, seeSpool      *sql.Stmt
	lastAcked, acked, forgetAcked, ack *sql.Stmt
	addBlock                           *sql.Stmt

	// State of the current transaction; a request may hold many thousands of batches.
	recv   int64                  // of the last block, 0 if it is not known yet
	counts map[string]*repoCounts // by name
}

// repoCounts holds a repository's line count and the lines that the current transaction adds to it.
type repoCounts struct {
	rno, base       int64 // base counts the lines so far
	stored, refused int
}

func newAppender(ctx context.Context, f *file, codec *codec) (*appender, error) {
	conn, err := f.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	a := &appender{file: f, conn: conn, codec: codec}
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&a.lastRecv, `SELECT coalesce((SELECT recv FROM blocks ORDER BY bno DESC LIMIT 1), (SELECT recv FROM dropped), 0)`},
		{&a.addRepo, `INSERT INTO repos (name, lines, refused) VALUES (?, 0, 0) ON CONFLICT DO NOTHING`},
		{&a.findRepo, `SELECT rno, lines FROM repos WHERE name = ?`},
		{&a.countRepo, `UPDATE repos SET lines = lines + ?, refused = refused + ? WHERE rno = ?`},
		{&a.addSpool, `INSERT INTO spools (rno, uuid, seen) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`},
		{&a.findSpool, `SELECT sno, seen FROM spools WHERE rno = ? AND uuid = ?`},
		{&a.seeSpool, `UPDATE spools SET seen = ? WHERE sno = ?`},
		{&a.lastAcked, `SELECT coalesce(max(last), 0) FROM acked WHERE sno = ?`},
		// Ranges do not overlap, so they are sorted by their ends, too: the caller
		// stops at the first that ends before its batch.
		{&a.acked, `SELECT first, last FROM acked WHERE sno = ? AND first <= ? ORDER BY first DESC`},
		{&a.forgetAcked, `DELETE FROM acked WHERE sno = ? AND first = ?`},
		{&a.ack, `INSERT INTO acked (sno, first, last) VALUES (?, ?, ?)`},
		{&a.addBlock, `INSERT INTO blocks (rno, recv, spool, first, late, base, n, z) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			a.close()
			return nil, err
		}
	}
	return a, nil
}

// close closes the statements first: SQLite keeps a connection, and its files, as
// long as one of its statements is open.
func (a *appender) close() {
	for _, s := range []*sql.Stmt{
		a.lastRecv, a.addRepo, a.findRepo, a.countRepo, a.addSpool, a.findSpool,
		a.seeSpool, a.lastAcked, a.acked, a.forgetAcked, a.ack, a.addBlock,
	} {
		if s != nil {
			s.Close()
		}
	}
	a.conn.Close()
}

// transaction runs fn in a transaction that is durable when it returns nil. The line counts
// of repositories are written once, at its end; an error rolls back everything.
func (a *appender) transaction(ctx context.Context, took *longest, fn func() error) error {
	return a.file.transact(ctx, a.conn, took, func() error {
		a.recv, a.counts = 0, map[string]*repoCounts{}
		if err := fn(); err != nil {
			return err
		}
		for _, c := range a.counts {
			if _, err := a.countRepo.ExecContext(ctx, c.stored, c.refused, c.rno); err != nil {
				return err
			}
		}
		return nil
	})
}

// append stores one batch. Callers must be within a transaction.
func (a *appender) append(ctx context.Context, b sealed) (store.Receipt, error) {
	repo, err := a.repo(ctx, b.Repo)
	if err != nil {
		return store.Receipt{}, err
	}
	w := writing{appender: a, ctx: ctx, batch: b, repo: repo}
	if err := w.clock(); err != nil {
		return store.Receipt{}, err
	}
	parts, lastAcked, err := w.claim()
	if err != nil {
		return store.Receipt{}, err
	}
	if err := w.blocks(parts, lastAcked); err != nil {
		return store.Receipt{}, err
	}
	repo.stored += w.receipt.Stored
	return w.receipt, nil
}

// repo returns the transaction's counts of a repository and creates the repository if needed.
func (a *appender) repo(ctx context.Context, name string) (*repoCounts, error) {
	if c := a.counts[name]; c != nil {
		return c, nil
	}
	if _, err := a.addRepo.ExecContext(ctx, name); err != nil {
		return nil, err
	}
	c := &repoCounts{}
	if err := a.findRepo.QueryRowContext(ctx, name).Scan(&c.rno, &c.base); err != nil {
		return nil, err
	}
	a.counts[name] = c
	return c, nil
}

// writing is one batch on its way into the file.
type writing struct {
	*appender
	ctx     context.Context
	batch   sealed
	repo    *repoCounts
	receipt store.Receipt
}

// clock sets recv, which grows strictly from batch to batch even if the system clock does
// not: blocks ordered by number are then ordered by time, too.
func (w *writing) clock() error {
	if w.recv == 0 {
		if err := w.lastRecv.QueryRowContext(w.ctx).Scan(&w.recv); err != nil {
			return err
		}
	}
	w.recv = max(w.batch.Recv.UnixMicro(), w.recv+1)
	return nil
}

// claim marks the batch's numbers as used. It returns those that were not before,
// and the largest one that was.
func (w *writing) claim() (parts []span, lastAcked uint64, err error) {
	if len(w.batch.Lines) == 0 {
		return nil, 0, nil
	}
	want := span{w.batch.First, w.batch.First + uint64(len(w.batch.Lines)) - 1}
	if !w.batch.numbered {
		return []span{want}, 0, nil
	}
	sno, isNew, err := w.spool()
	if err != nil {
		return nil, 0, err
	}
	if isNew {
		_, err = w.ack.ExecContext(w.ctx, sno, want.first, want.last)
		return []span{want}, 0, err
	}
	if err := w.lastAcked.QueryRowContext(w.ctx, sno).Scan(&lastAcked); err != nil {
		return nil, 0, err
	}
	used, err := w.usedBy(sno, want)
	if err != nil {
		return nil, 0, err
	}
	for _, u := range used {
		if _, err := w.forgetAcked.ExecContext(w.ctx, sno, u.first); err != nil {
			return nil, 0, err
		}
	}
	all := join(want, used)
	if _, err := w.ack.ExecContext(w.ctx, sno, all.first, all.last); err != nil {
		return nil, 0, err
	}
	return fresh(want, used), lastAcked, nil
}

// spool returns the number of the batch's sender and whether it is new, and notes that it
// was seen.
func (w *writing) spool() (sno int64, isNew bool, err error) {
	added, err := w.addSpool.ExecContext(w.ctx, w.repo.rno, w.batch.Spool[:], w.recv)
	if err != nil {
		return 0, false, err
	}
	if n, err := added.RowsAffected(); err != nil || n > 0 {
		sno, failed := added.LastInsertId()
		return sno, true, errors.Join(err, failed)
	}
	var seen int64
	if err := w.findSpool.QueryRowContext(w.ctx, w.repo.rno, w.batch.Spool[:]).Scan(&sno, &seen); err != nil {
		return 0, false, err
	}
	if w.recv-seen >= seenEvery.Microseconds() {
		_, err = w.seeSpool.ExecContext(w.ctx, w.recv, sno)
	}
	return sno, false, err
}

// usedBy returns the ranges that overlap or touch want, in order.
func (w *writing) usedBy(sno int64, want span) ([]span, error) {
	rows, err := w.acked.QueryContext(w.ctx, sno, want.last+1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var used []span
	for rows.Next() {
		var u span
		if err := rows.Scan(&u.first, &u.last); err != nil {
			return nil, err
		}
		if u.last+1 < want.first {
			break
		}
		used = append([]span{u}, used...)
	}
	return used, rows.Err()
}

// blocks stores the given parts of the batch and counts the rest as duplicates.
func (w *writing) blocks(parts []span, lastAcked uint64) error {
	first, fresh := w.batch.First, 0
	for _, p := range parts {
		lines := w.batch.Lines[p.first-first : p.last-first+1]
		fresh += len(lines)
		chunks := w.batch.chunks
		if len(lines) < len(w.batch.Lines) {
			chunks = w.codec.pack(lines, p.first)
		}
		for _, c := range chunks {
			late := lastAcked > c.first
			_, err := w.addBlock.ExecContext(w.ctx, w.repo.rno, w.recv, w.batch.Spool[:], c.first, late, w.repo.base, c.n, c.z)
			if err != nil {
				return err
			}
			w.repo.base += int64(c.n)
			w.receipt.Stored += c.n
		}
		for _, line := range lines {
			if line == nil {
				w.repo.refused++
			}
		}
	}
	w.receipt.Duplicate = len(w.batch.Lines) - fresh
	return nil
}

// micros reads a stored time.
func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }
