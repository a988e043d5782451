package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/troupelog/troupe/internal/store"
)

//go:embed migration
var migrations embed.FS

// readers limits the queries that run concurrently on one file.
const readers = 4

// busyTimeout limits how long a statement waits for another connection's lock.
const busyTimeout = 10 * time.Second

// file is an open database file: one connection that writes, some that read.
type file struct {
	name   string // for messages
	path   string
	write  *sql.DB       // replaced while holding swap and the owner's write mutex
	read   *sql.DB       // guarded by swap
	swap   sync.RWMutex  // held for reading while read is used
	closed chan struct{} // closed by Close
	writes writes
	once   sync.Once
	// trimmed reports that nothing was deleted since the last complete trim. It starts as
	// false, because an earlier process may have deleted rows without trimming.
	trimmed atomic.Bool
	damaged atomic.Bool // set once an error reports corruption
}

// tuning holds the durability and cache settings of a file. A connection holds at most its cache in memory, beside
// the pages that a transaction changes.
type tuning struct {
	synchronous           string // FULL or NORMAL
	writeCache, readCache int    // KiB, of each connection
}

// open opens or creates a database file.
func open(path string, t tuning) (*file, error) {
	// auto_vacuum must come before the first write to a new file. A journal is copied into
	// the file when it has 16 MiB (pages of 4 KiB), and cut to that if it grew larger.
	// secure_delete overwrites deleted content with zeros, so none of it stays in the file.
	common := fmt.Sprintf("_pragma=auto_vacuum(INCREMENTAL)&_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)"+
		"&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(4000)&_pragma=journal_size_limit(16777216)&_pragma=secure_delete(1)",
		busyTimeout.Milliseconds())
	f := &file{name: filepath.Base(path), path: path, closed: make(chan struct{})}
	if err := prepare(path); err != nil {
		return nil, f.opening(fmt.Errorf("sqlite: opening %s: %w", f.name, err))
	}
	write := fmt.Sprintf("%s&_txlock=immediate&_pragma=synchronous(%s)&_pragma=cache_size(-%d)", common, t.synchronous, t.writeCache)
	var err error
	if f.write, err = sql.Open("sqlite", dsn(path, write)); err != nil {
		return nil, fmt.Errorf("sqlite: opening %s: %w", f.name, err)
	}
	f.write.SetMaxOpenConns(1)
	if f.read, err = sql.Open("sqlite", dsn(path, fmt.Sprintf("%s&_pragma=query_only(1)&_pragma=cache_size(-%d)", common, t.readCache))); err != nil {
		return nil, fmt.Errorf("sqlite: opening %s: %w", f.name, errors.Join(err, f.write.Close()))
	}
	f.read.SetMaxOpenConns(readers)
	f.read.SetMaxIdleConns(readers)
	return f, nil
}

func dsn(path, query string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query}
	return u.String()
}

// migrate applies the migrations in a folder that the file has not seen yet.
func (f *file) migrate(ctx context.Context, folder string) error {
	scripts, err := fs.Sub(migrations, "migration/"+folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, f.write, scripts,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("sqlite: migrating %s: %w", f.name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return f.opening(fmt.Errorf("sqlite: migrating %s: %w", f.name, err))
	}
	return nil
}

// close closes the connections, once.
func (f *file) close() (err error) {
	f.once.Do(func() {
		close(f.closed)
		err = errors.Join(f.read.Close(), f.write.Close())
		awaitClosed(f.read)
		awaitClosed(f.write)
	})
	return err
}

// awaitClosed waits, a second at most, until a closed database has no connection left. A
// transaction whose context has ended is rolled back on a goroutine of database/sql, and
// SQLite removes the journal only with the last connection. Neither is reported, hence the
// polling.
func awaitClosed(db *sql.DB) {
	for end := time.Now().Add(time.Second); db.Stats().OpenConnections > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// fail adds the file and the operation to err and returns nil for nil. After close it returns
// ErrClosed for any error. Corruption becomes a *store.DamagedError and sets damaged.
func (f *file) fail(operation string, err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-f.closed:
		return store.ErrClosed
	default:
	}
	err = quietly(err)
	if _, known := errors.AsType[*store.DamagedError](err); !known && corrupt(err) {
		f.damaged.Store(true)
		return &store.DamagedError{File: f.name, Err: fmt.Errorf("%s: %w", operation, err)}
	}
	return fmt.Errorf("sqlite: %s: %s: %w", f.name, operation, err)
}

// view runs fn in a read-only transaction, so that all its queries see one snapshot. It holds
// swap for reading: the file is not replaced while fn runs.
func (f *file) view(ctx context.Context, operation string, fn func(*sql.Tx) error) error {
	f.swap.RLock()
	defer f.swap.RUnlock()
	tx, err := f.read.BeginTx(ctx, nil)
	if err != nil {
		return f.fail(operation, err)
	}
	defer tx.Rollback() // nothing was written
	return f.fail(operation, fn(tx))
}

// each runs a query and calls fn for every row.
func each(ctx context.Context, q queryer, fn func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return drain(rows, fn)
}
