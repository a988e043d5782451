package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
)

// Deleting overwrites a row with zeros, but only where the row is at that time. When
// SQLite moves rows from one page to another, to keep pages equally full, it leaves their
// old bytes in the gap between the list of cells and the cells themselves, where a later
// deletion does not look. Scrubbing fills those gaps with zeros. Nothing reads them.

// scrubPages limits the pages that one transaction overwrites.
const scrubPages = 64

// Types of pages in a pointer map: https://www.sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages
const (
	mapRoot  = 1
	mapBTree = 5
	mapEntry = 5 // bytes: the type, and the number of a page
)

// pendingByte is in a page that SQLite never uses.
const pendingByte = 1 << 30

// scrub overwrites the remains of moved rows in the pages of a file. It finds the pages in a
// read transaction, which blocks no writer, and checks each again before it writes.
func (f *file) scrub(ctx context.Context, exec execFunc) error {
	var dirty []int64
	err := f.view(ctx, "looking for what is left of deleted rows", func(tx *sql.Tx) error {
		dirty = nil
		return eachTreePage(ctx, tx, func(pgno int64, page []byte) {
			if gap := gapOf(page, pgno); slices.ContainsFunc(gap, func(b byte) bool { return b != 0 }) {
				dirty = append(dirty, pgno)
			}
		})
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(dirty, scrubPages) {
		err := exec(ctx, true, func(conn *sql.Conn) error {
			for _, pgno := range some {
				if err := scrubPage(ctx, conn, pgno); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return f.fail("overwriting what is left of deleted rows", err)
		}
	}
	return nil
}

// scrubPage overwrites the gap of a page, if it is still a page of a table or an index.
func scrubPage(ctx context.Context, conn *sql.Conn, pgno int64) error {
	page, err := rawPage(ctx, conn, pgno)
	if err != nil || page == nil {
		return err
	}
	if pgno > 1 {
		at, offset := mapOf(pgno, int64(len(page)))
		pages, err := rawPage(ctx, conn, at)
		if err != nil || pages == nil || !isTree(pages[offset]) {
			return err
		}
	}
	gap := gapOf(page, pgno)
	if len(gap) == 0 {
		return nil
	}
	clear(gap) // a part of page
	_, err = conn.ExecContext(ctx, `UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?`, page, pgno)
	return err
}

func isTree(kind byte) bool { return kind == mapRoot || kind == mapBTree }

// rawPage returns a copy of a page, or nil if there is none.
func rawPage(ctx context.Context, q queryer, pgno int64) (page []byte, err error) {
	err = each(ctx, q, func(row *sql.Rows) error { return row.Scan(&page) }, `SELECT data FROM sqlite_dbpage WHERE pgno = ?`, pgno)
	return page, err
}

// mapSpan returns the distance between two pages of the pointer map, in pages.
func mapSpan(size int64) int64 { return size/mapEntry + 1 }

// mapAt returns where the page of the pointer map is that should be at a place.
func mapAt(place, size int64) int64 {
	if place == pendingByte/size+1 {
		return place + 1
	}
	return place
}

// mapOf returns the page of the pointer map that holds the type of a page, and the offset in it.
func mapOf(pgno, size int64) (at, offset int64) {
	at = mapAt((pgno-2)/mapSpan(size)*mapSpan(size)+2, size)
	return at, mapEntry * (pgno - at - 1)
}

// eachTreePage calls fn for the pages of tables and indexes.
func eachTreePage(ctx context.Context, tx *sql.Tx, fn func(pgno int64, page []byte)) error {
	var pages int64
	if err := tx.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil || pages == 0 {
		return err
	}
	stmt, err := tx.PrepareContext(ctx, `SELECT data FROM sqlite_dbpage WHERE pgno = ?`) //nolint:sqlclosecheck // it is closed at the end
	if err != nil {
		return err
	}
	defer stmt.Close()
	// The driver starts a goroutine for each statement whose context may end.
	pace, whole := pacer{ended: ctx.Err}, context.WithoutCancel(ctx)
	var size int64
	read := func(pgno int64, fn func(page []byte)) error {
		if err := pace.step(); err != nil {
			return err
		}
		rows, err := stmt.QueryContext(whole, pgno)
		if err != nil {
			return err
		}
		return drain(rows, func(row *sql.Rows) error {
			var page sql.RawBytes
			if err := row.Scan(&page); err != nil {
				return err
			}
			size = int64(len(page))
			fn(page)
			return nil
		})
	}
	if err := read(1, func(page []byte) { fn(1, page) }); err != nil || size == 0 {
		return err
	}
	var trees []int64
	for first := int64(2); first < pages; first += mapSpan(size) {
		at := mapAt(first, size)
		trees = trees[:0]
		err := read(at, func(entries []byte) {
			for i := 0; i+mapEntry <= len(entries); i += mapEntry {
				if pgno := at + 1 + int64(i/mapEntry); isTree(entries[i]) && pgno <= pages {
					trees = append(trees, pgno)
				}
			}
		})
		if err != nil {
			return err
		}
		for _, pgno := range trees {
			if err := read(pgno, func(page []byte) { fn(pgno, page) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// gapOf returns the bytes of a page of a table or an index that hold nothing: those between
// the list of cells and the cells. Nil for a page of another form.
func gapOf(page []byte, pgno int64) []byte {
	header := 0
	if pgno == 1 {
		header = 100 // of the file
	}
	if len(page) < header+12 {
		return nil
	}
	list := header + 8
	switch page[header] {
	case 2, 5: // inner pages have a number more
		list += 4
	case 10, 13:
	default:
		return nil
	}
	cells := int(binary.BigEndian.Uint16(page[header+3:]))
	content := int(binary.BigEndian.Uint16(page[header+5:]))
	if content == 0 {
		content = 1 << 16
	}
	if from := list + 2*cells; from < content && content <= len(page) {
		return page[from:content]
	}
	return nil
}
