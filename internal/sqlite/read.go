package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/troupelog/troupe/internal/store"
)

// readBytes is the approximate limit of the bytes of lines that Read and Scan return.
const readBytes = 8 << 20

// errFull ends a query whose caller has enough rows.
var errFull = errors.New("enough rows")

const blockColumns = `b.bno, r.name, b.recv, b.spool, b.first, b.late, b.base, b.n, b.z
	FROM blocks b JOIN repos r ON r.rno = b.rno`

// scanBlock reads a row of blockColumns.
func (l *Log) scanBlock(row interface{ Scan(...any) error }) (store.Block, error) {
	var b store.Block
	var recv int64
	var spool, z []byte
	var n int
	if err := row.Scan(&b.Number, &b.Repo, &recv, &spool, &b.First, &b.Late, &b.Base, &n, &z); err != nil {
		return b, err
	}
	b.Recv = micros(recv)
	copy(b.Spool[:], spool)
	var err error
	if b.Lines, err = l.codec.unpack(z, n); err != nil {
		return b, &store.LineError{At: store.Loc{Block: b.Number, Index: store.WholeBlock}, Err: err}
	}
	return b, nil
}

// Read implements store.Log.
func (l *Log) Read(ctx context.Context, after store.Cursor, maxLines int) ([]store.Block, store.Cursor, error) {
	var blocks []store.Block
	lines, bytes := 0, 0
	err := l.view(ctx, "reading blocks", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			b, err := l.scanBlock(row)
			if err != nil && len(blocks) > 0 {
				return errFull // the next call reports it
			}
			if err != nil {
				return err
			}
			if len(blocks) > 0 && lines+len(b.Lines) > maxLines {
				return errFull
			}
			blocks, lines, after = append(blocks, b), lines+len(b.Lines), store.Cursor(b.Number)
			for _, text := range b.Lines {
				bytes += len(text)
			}
			if bytes >= readBytes {
				return errFull
			}
			return nil
		}, `SELECT `+blockColumns+` WHERE b.bno > ? ORDER BY b.bno`, int64(after))
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, 0, err
	}
	return blocks, after, nil
}

// Head implements store.Log.
func (l *Log) Head(ctx context.Context) (store.Cursor, error) {
	var head store.Cursor
	err := l.read.QueryRowContext(ctx, `SELECT coalesce(max(bno), 0) FROM blocks`).Scan(&head)
	return head, l.fail("reading the head", err)
}

// Lines implements store.Log.
func (l *Log) Lines(ctx context.Context, at []store.Loc) ([]store.Located, error) {
	at = slices.Clone(at)
	slices.SortFunc(at, store.Loc.Compare)
	at = slices.Compact(at)
	lines := make([]store.Located, 0, len(at))
	err := l.view(ctx, "reading lines", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `SELECT `+blockColumns+` WHERE b.bno = ?`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		var b store.Block
		for _, loc := range at {
			if loc.Block != b.Number {
				b, err = l.scanBlock(stmt.QueryRowContext(ctx, loc.Block))
				if errors.Is(err, sql.ErrNoRows) {
					continue
				}
				if err != nil {
					return err
				}
			}
			if 0 <= loc.Index && loc.Index < len(b.Lines) {
				lines = append(lines, b.At(loc.Index))
			}
		}
		return nil
	})
	return lines, err
}

// Scan implements store.Log.
func (l *Log) Scan(ctx context.Context, repo string, after uint64, limit int) ([]store.Numbered, error) {
	if after > maxSeq {
		return nil, nil
	}
	var lines []store.Numbered
	bytes := 0
	err := l.view(ctx, "reading lines", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			var base uint64
			var n int
			var z []byte
			if err := row.Scan(&base, &n, &z); err != nil {
				return err
			}
			texts, err := l.codec.unpack(z, n)
			if err != nil {
				return err
			}
			for i, text := range texts {
				number := base + uint64(i) + 1
				if number <= after {
					continue
				}
				if len(lines) == limit || bytes >= readBytes {
					return errFull
				}
				lines, bytes = append(lines, store.Numbered{Number: number, Text: text}), bytes+len(text)
			}
			return nil
		}, `SELECT b.base, b.n, b.z FROM blocks b
			WHERE b.rno = (SELECT rno FROM repos WHERE name = ?1) AND b.base >= coalesce(
				(SELECT max(base) FROM blocks WHERE rno = (SELECT rno FROM repos WHERE name = ?1) AND base <= ?2), 0)
			ORDER BY b.base`, repo, int64(after))
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, err
	}
	return lines, nil
}

// Repositories implements store.Log.
func (l *Log) Repositories(ctx context.Context) ([]store.Repository, error) {
	var repos []store.Repository
	err := l.view(ctx, "listing repositories", func(tx *sql.Tx) error {
		return each(ctx, tx, func(row *sql.Rows) error {
			var r store.Repository
			if err := row.Scan(&r.ID, &r.Lines, &r.Refused); err != nil {
				return err
			}
			repos = append(repos, r)
			return nil
		}, `SELECT name, lines, refused FROM repos ORDER BY name`)
	})
	return repos, err
}
