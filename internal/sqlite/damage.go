package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/internal/store"
)

// journals are the suffixes of the files that SQLite keeps beside a database.
var journals = []string{"-wal", "-shm", "-journal"}

// asideSuffix ends the name of a damaged file that was set aside.
const asideSuffix = ".damaged"

// corrupt reports whether err means that the content of a file is damaged.
func corrupt(err error) bool {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == lib.SQLITE_CORRUPT || primary == lib.SQLITE_NOTADB
	}
	return errors.Is(err, errPacked) || errors.Is(err, errColumn)
}

// errColumn replaces the scan error of a column that holds a value of the wrong type, because
// that error quotes the value.
var errColumn = errors.New("a column holds a value of another type")

// quietly returns err without content quoted from the file.
func quietly(err error) error {
	if err != nil && strings.Contains(err.Error(), "sql: Scan error") { // database/sql has no type for it
		return errColumn
	}
	return err
}

// corruptAtOpen reports whether a file that cannot be opened is damaged: unless the disk, its
// rights, or others that use it are to blame, it has no tables or not those it should have.
func corruptAtOpen(err error) bool {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return errors.Is(err, errPacked) || errors.Is(err, sql.ErrNoRows) || errors.Is(err, errShort)
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_PERM, lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_NOMEM, lib.SQLITE_READONLY, lib.SQLITE_INTERRUPT,
		lib.SQLITE_IOERR, lib.SQLITE_FULL, lib.SQLITE_CANTOPEN, lib.SQLITE_AUTH:
		return false
	}
	return true
}

// opening returns a *store.DamagedError if err means that the file is damaged, or else err.
func (f *file) opening(err error) error {
	if _, known := errors.AsType[*store.DamagedError](err); err == nil || known || !corruptAtOpen(err) {
		return err
	}
	return &store.DamagedError{File: f.name, Err: err}
}

var errShort = errors.New("it is shorter than it says: its end is missing")

// prepare makes sure that a database and its journals are private files, and that the
// database is whole as far as its length tells.
func prepare(path string) error {
	if _, err := private.File(path); err != nil {
		return err
	}
	for _, suffix := range journals {
		if _, err := private.Check(path + suffix); err != nil {
			return err
		}
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return nil // the rest may be in the journal
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil {
		return nil //nolint:nilerr // SQLite reports the fault, or it is a new file
	}
	size := int64(binary.BigEndian.Uint16(header[16:]))
	info, err := f.Stat()
	if err == nil && string(header[:6]) == "SQLite" && info.Size() < size*int64(binary.BigEndian.Uint32(header[28:])) {
		return errShort
	}
	return err
}

// SetAside renames a damaged database, which is not open, so that another one can be made
// under its name, and returns the new name. One that was set aside before is removed.
func SetAside(path string) (string, error) {
	aside := path + asideSuffix
	if err := removeFiles(aside); err != nil {
		return "", err
	}
	for _, suffix := range append([]string{""}, journals...) {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

// SetSearchAside sets a damaged file of a search that is not open aside, and removes the other
// files, newest first: the rest of a killed process ends where its newest file says. It returns
// the new name.
func SetSearchAside(dir, file string) (aside string, err error) {
	paths, err := partPaths(dir)
	if err != nil {
		return "", err
	}
	for _, path := range slices.Backward(paths) {
		if filepath.Base(path) == file {
			aside, err = SetAside(path)
		} else {
			err = removeFiles(path)
		}
		if err != nil {
			return aside, fmt.Errorf("sqlite: setting %s aside: %w", filepath.Base(path), err)
		}
	}
	return aside, nil
}

// removeFiles removes a database with its journals.
func removeFiles(path string) (err error) {
	for _, suffix := range append([]string{""}, journals...) {
		if gone := os.Remove(path + suffix); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// removeAside removes the files of a search that were set aside, which hold lines that are
// to be deleted.
func (x *Search) removeAside() error {
	entries, err := os.ReadDir(x.dir)
	for _, entry := range entries {
		if name := entry.Name(); strings.HasPrefix(name, "search-") && strings.Contains(name, ".db"+asideSuffix) { // or its journal
			if gone := os.Remove(filepath.Join(x.dir, name)); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return err
}

// Damaged implements store.Pruner.
func (f *file) Damaged() bool { return f.damaged.Load() }

// Renew implements store.Pruner. It waits for queries under way.
func (x *Index) Renew(ctx context.Context) (aside string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.swap.Lock()
	defer x.swap.Unlock()
	select {
	case <-x.closed:
		return "", store.ErrClosed
	default:
	}
	x.stmts.close()
	x.conn.Close() // gives the connection back; a second time it only says so
	if err := errors.Join(x.read.Close(), x.write.Close()); err != nil {
		return "", x.fail("closing", err)
	}
	if aside, err = SetAside(x.path); err != nil {
		return "", fmt.Errorf("sqlite: setting %s aside: %w", x.name, err)
	}
	fresh, err := open(x.path, indexTuning)
	if err != nil {
		return aside, err
	}
	x.read, x.write = fresh.read, fresh.write
	if err := x.begin(ctx); err != nil {
		return aside, err
	}
	_, err = x.conn.ExecContext(ctx, `UPDATE cur SET prices = ?`, x.pricesVersion())
	x.forgetMemory()
	x.trimmed.Store(false)
	x.damaged.Store(err != nil)
	return aside, x.fail("taking the prices", err)
}

// Damaged implements store.Pruner.
func (x *Search) Damaged() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, p := range x.parts {
		if p.Damaged() {
			return true
		}
	}
	return false
}

// Renew implements store.Pruner: it sets the damaged parts aside and removes the others. It
// waits for queries under way.
func (x *Search) Renew(context.Context) (aside string, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return "", store.ErrClosed
	}
	for len(x.parts) > 0 {
		p := x.parts[len(x.parts)-1]
		err := p.close()
		if p.Damaged() {
			aside, err = SetAside(p.path)
		} else if err == nil {
			err = removeFiles(p.path)
		}
		if err != nil {
			return aside, fmt.Errorf("sqlite: setting %s aside: %w", p.name, err)
		}
		x.parts = x.parts[:len(x.parts)-1]
	}
	x.at = 0
	return aside, nil
}

// Probe writes something that changes nothing, and returns the error of doing so.
func (l *Log) Probe(ctx context.Context) error {
	return l.job(ctx, func(a *appender) error {
		return l.fail("writing", a.transaction(ctx, &a.file.writes.add, func() error {
			_, err := a.conn.ExecContext(ctx, `PRAGMA user_version = 1`) // it says nothing, and is written each time
			return err
		}))
	})
}
