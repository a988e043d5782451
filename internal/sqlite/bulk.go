package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// bulk inserts many rows with few calls: most of the time of a small insert goes
// into the calls around it.
type bulk struct {
	columns   int
	rows      int       // of many
	one, many *sql.Stmt // insert one row, and rows of them
}

// newBulk prepares a statement with rows of values between head and tail.
func newBulk(ctx context.Context, conn *sql.Conn, rows int, head string, columns int, tail string) (bulk, error) {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	one, err := conn.PrepareContext(ctx, head+row+tail)
	if err != nil {
		return bulk{}, err
	}
	many, err := conn.PrepareContext(ctx, head+row+strings.Repeat(", "+row, rows-1)+tail)
	if err != nil {
		return bulk{}, errors.Join(err, one.Close())
	}
	return bulk{columns: columns, rows: rows, one: one, many: many}, nil
}

// run inserts the rows whose values args holds one after another. It calls fn for
// every row that the statement returns.
func (b bulk) run(ctx context.Context, args []any, fn func(*sql.Rows) error) error {
	for len(args) > 0 {
		stmt, n := b.one, b.columns
		if len(args) >= b.rows*b.columns {
			stmt, n = b.many, b.rows*b.columns
		}
		rows, err := stmt.QueryContext(ctx, args[:n]...)
		if err != nil {
			return err
		}
		if err := drain(rows, fn); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

// drain calls fn for every row and closes rows.
func drain(rows *sql.Rows, fn func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
