package service

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// keeping is a collector that holds traces t0, t1 and so on, each of which says a word that
// no other one does.
type keeping struct {
	*testing.T
	*opened
	traces int
	rnd    *rand.Rand
	words  []string
}

func startKeeping(t *testing.T, traces int) *keeping {
	c, err := open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := &keeping{T: t, opened: c, rnd: rand.New(rand.NewPCG(1, 1))}
	for range 5000 {
		k.words = append(k.words, fmt.Sprintf("w%x", k.rnd.Uint32()))
	}
	k.fill(traces)
	return k
}

// word returns the word of a trace. Words that follow one another in a search file have
// little in common there, or it would hold only the ends of them.
func word(trace int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(trace)))
	return hex.EncodeToString(sum[:8])
}

func (k *keeping) fill(traces int) {
	k.Helper()
	for end := k.traces + traces; k.traces < end; {
		batch := store.Batch{Repo: "r", Recv: time.Now()}
		for range min(10, end-k.traces) { // what is received together goes together
			text := word(k.traces)
			for range 100 {
				text += " " + k.words[k.rnd.IntN(len(k.words))]
			}
			batch.Lines = append(batch.Lines, fmt.Appendf(nil,
				`trace{id=t%d,action=create,data={"name":"name %s","input":"%s","tags":{"tag":"tag %s"}}}`, k.traces, word(k.traces), text, word(k.traces)))
			k.traces++
		}
		if _, err := k.shard.Log.Append(k.Context(), []store.Batch{batch}); err != nil {
			k.Fatal(err)
		}
	}
	k.projector.notify()
	k.searchIndexer.notify()
	k.settled()
}

func (k *keeping) settled() {
	k.Helper()
	if err := k.WaitIndexed(k.Context()); err != nil {
		k.Fatal(err)
	}
	if err := k.WaitSearchable(k.Context()); err != nil {
		k.Fatal(err)
	}
}

// first returns the oldest trace that is kept, and checks that all behind it are.
func (k *keeping) first() int {
	k.Helper()
	keys := make([]fold.Key, k.traces)
	for i := range keys {
		keys[i] = fold.KeyOf("r", protocol.Ref{Kind: protocol.Trace, ID: fmt.Sprintf("t%d", i)})
	}
	found, err := k.Index.Get(k.Context(), keys)
	if err != nil {
		k.Fatal(err)
	}
	first := k.traces - len(found)
	for _, e := range found {
		if n, err := strconv.Atoi(e.Ref.ID[1:]); err != nil || n < first {
			k.Errorf("%d traces are kept, trace %s among them", len(found), e.Ref.ID)
		}
	}
	return first
}

func (k *keeping) total() int64 {
	k.Helper()
	h, err := k.held(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	return h.total()
}

// onDisk returns how large the files of the store are.
func (k *keeping) onDisk() int64 {
	return bytesOf(k.dir, "*.db") + bytesOf(filepath.Join(k.dir, "blobs"), "*")
}

// keep bounds the store and returns the part of the traces that is kept.
func (k *keeping) bounded(bytes int64) float64 {
	k.Helper()
	if err := k.pruneTo(k.Context(), bytes); err != nil {
		k.Fatal(err)
	}
	return 1 - float64(k.first())/float64(k.traces)
}

// wantFull checks that a bounded store holds what fits: its limit to 5 %, unless all of the
// part of the traces is kept that has as much of the limit.
func (k *keeping) wantFull(kept, part float64, limit int64) {
	k.Helper()
	if total := k.total(); total > limit || total < limit-limit/20 && kept < part {
		k.Errorf("%.1f %% of the traces are kept in %d bytes, with a limit of %d", 100*kept, total, limit)
	}
}

func TestOnlyTheOldestGoAndWhatFitsIsKept(t *testing.T) {
	for _, part := range []float64{0.9, 0.5} {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			k := startKeeping(t, 1500)
			limit := int64(part * float64(k.total()))
			kept := k.bounded(limit)
			k.wantFull(kept, part, limit)
			if k.onDisk() > limit {
				t.Errorf("%d bytes are on disk, with a limit of %d", k.onDisk(), limit)
			}
			if again := k.bounded(limit); again != kept {
				t.Errorf("looking again, %.1f %% of the traces are kept, and were %.1f %%", 100*again, 100*kept)
			}
		})
	}
}

func TestAReaderOfOldFilesIsNoReasonToDeleteMore(t *testing.T) {
	k := startKeeping(t, 1500)
	for _, path := range k.files() {
		if strings.HasSuffix(path, ".db") {
			k.read(path)
		}
	}
	k.fill(1000) // journals that the readers need
	const part = 0.8
	limit := int64(part * float64(k.total()))
	k.wantFull(k.bounded(limit), part, limit)
	if !k.untrimmed.Load() {
		t.Error("the files are taken to be trimmed, with readers on them")
	}
}

// read begins to read a database, until the end of the test.
func (k *keeping) read(path string) (stop func()) {
	k.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		k.Fatal(err)
	}
	tx, err := db.BeginTx(k.Context(), nil)
	if err != nil {
		k.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(k.Context(), `SELECT count(*) FROM sqlite_schema`).Scan(&n); err != nil {
		k.Fatal(err)
	}
	stop = func() {
		tx.Rollback()
		db.Close()
	}
	k.Cleanup(stop)
	return stop
}

func (k *keeping) files() (paths []string) {
	k.Helper()
	err := filepath.WalkDir(k.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	return paths
}

// rowPiece is how many bytes of a row are looked for.
const rowPiece = 24

// rowsBefore returns pieces of the rows that the databases hold for the traces before one.
// They are compressed, so that their words cannot be looked for.
func (k *keeping) rowsBefore(trace int) map[[rowPiece]byte]bool {
	k.Helper()
	pieces := map[[rowPiece]byte]bool{}
	for _, q := range []struct{ file, query string }{
		{"log.db", `SELECT z FROM blocks WHERE base < ?`},
		{"index.db", `SELECT e.data FROM entities e WHERE substr(e.id, 1, 1) = 't' AND CAST(substr(e.id, 2) AS INTEGER) < ?`},
		{"index.db", `SELECT t.data FROM tops t JOIN entities e USING (eno) WHERE CAST(substr(e.id, 2) AS INTEGER) < ?`},
	} {
		k.query(q.file, func(row *sql.Rows) error {
			var data []byte
			err := row.Scan(&data)
			for at := 64; at+rowPiece <= len(data); at += 1000 { // where a row goes over several pages, most are in one
				pieces[[rowPiece]byte(data[at:at+rowPiece])] = true
			}
			return err
		}, q.query, trace)
	}
	return pieces
}

// query asks a file of the store beside it.
func (k *keeping) query(file string, fn func(*sql.Rows) error, query string, args ...any) {
	k.Helper()
	db, err := sql.Open("sqlite", filepath.Join(k.dir, file))
	if err != nil {
		k.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(k.Context(), query, args...)
	if err != nil {
		k.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			k.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		k.Fatal(err)
	}
}

// wantNothingOf checks that no file has a word of the traces before one, nor pieces of
// their rows, and that every database is sound.
func (k *keeping) wantNothingOf(trace int, pieces map[[rowPiece]byte]bool) {
	k.Helper()
	const tail = 9 // bytes at the end of a word
	words := map[[tail]byte]bool{}
	for i := range trace {
		w := word(i)
		words[[tail]byte([]byte(w[len(w)-tail:]))] = true
	}
	for _, path := range k.files() {
		content, err := os.ReadFile(path)
		if err != nil {
			k.Fatal(err)
		}
		said, rows := 0, 0
		for i := 0; i+tail <= len(content); i++ {
			if words[[tail]byte(content[i:i+tail])] {
				said++
			}
			if i+rowPiece <= len(content) && pieces[[rowPiece]byte(content[i:i+rowPiece])] {
				rows++
			}
		}
		if said > 0 || rows > 0 {
			k.Errorf("%s has %d words and %d pieces of rows of the %d deleted traces", filepath.Base(path), said, rows, trace)
		}
		if strings.HasSuffix(path, ".db") {
			k.query(filepath.Base(path), func(row *sql.Rows) error {
				var verdict string
				err := row.Scan(&verdict)
				if verdict != "ok" {
					k.Errorf("%s: %s", filepath.Base(path), verdict)
				}
				return err
			}, `PRAGMA integrity_check`)
		}
	}
}

func TestNothingOfWhatWasDeletedIsLeftInTheFiles(t *testing.T) {
	for _, by := range []string{"age", "size", "age, with readers"} {
		t.Run(by, func(t *testing.T) {
			k := startKeeping(t, 300)
			cut := time.Now()
			k.fill(500)
			if err := k.PutFile(t.Context(), "r/old", "text/plain", strings.NewReader(word(0))); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(k.filePath("r/old"), cut.Add(-time.Minute), cut.Add(-time.Minute)); err != nil {
				t.Fatal(err)
			}
			rows := k.rowsBefore(300)
			if len(rows) < 300 {
				t.Fatalf("%d pieces of rows are looked for, which is too few", len(rows))
			}
			var stops []func()
			if by == "age, with readers" {
				for _, path := range k.files() {
					if strings.HasSuffix(path, ".db") {
						stops = append(stops, k.read(path))
					}
				}
			}
			if by == "size" {
				k.bounded(k.total() / 2)
			} else if err := k.Prune(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
			for _, stop := range stops {
				stop()
			}
			if len(stops) > 0 {
				if err := k.trim(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			first := k.first()
			if first < 300 || by != "size" && first != 300 {
				t.Errorf("the first trace that is kept is %d", first)
			}
			k.wantNothingOf(300, rows)
			hits, err := k.shard.Search.Find(t.Context(), store.SearchQuery{Repo: "r", Words: []string{word(799)}, Limit: 2})
			if err != nil || len(hits) != 1 {
				t.Errorf("%d lines have the word of the last trace, %v", len(hits), err)
			}
		})
	}
}

func TestUploadsCountWhereTheStoreIsBounded(t *testing.T) {
	k := startKeeping(t, 100)
	old := time.Now().Add(-time.Hour)
	for i := range 10 {
		key := fmt.Sprintf("r/%d", i)
		if err := k.PutFile(t.Context(), key, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20))); err != nil {
			t.Fatal(err)
		}
		at := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(k.filePath(key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if kept := k.bounded(k.total() - 3<<20 + 1000); kept != 1 {
		t.Errorf("%.0f %% of the traces are kept, which are newer than the uploads", 100*kept)
	}
	left := 0
	err := k.Service.files.Oldest(t.Context(), func(time.Time, int64) bool {
		left++
		return true
	})
	if err != nil || left != 7 {
		t.Errorf("%d uploads are left, %v; want 7", left, err)
	}
}

func TestDeletingComesCloseFromAbove(t *testing.T) {
	for _, c := range []struct{ excess, keep, want int64 }{{1, 1000, 1}, {50, 1000, 50}, {51, 1000, 50}, {400, 1000, 200}, {7, 0, 3}} {
		if got := due(c.excess, c.keep); got != c.want {
			t.Errorf("where %d is too much for %d, %d is deleted, want %d", c.excess, c.keep, got, c.want)
		}
	}
}

func TestAnInterruptedForgetIsFinishedAndNoReasonToDeleteMore(t *testing.T) {
	k := startKeeping(t, 300)
	cut := time.Now()
	k.fill(500)
	rows := k.rowsBefore(300)
	if _, _, err := k.Retention.Drop(t.Context(), cut); err != nil { // and then the process was killed
		t.Fatal(err)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := open(k.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	again := &keeping{T: t, opened: c, traces: 800}
	// The first look at what is to be kept comes at once.
	for deadline := time.Now().Add(time.Minute); again.first() != 300 || !c.trimmed(); {
		if time.Now().After(deadline) {
			t.Fatalf("the first trace is %d", again.first())
		}
	}
	again.wantNothingOf(300, rows)
}

// trimmed reports whether all that was deleted has left the files.
func (o *opened) trimmed() bool {
	hits, err := o.shard.Search.Find(context.Background(), store.SearchQuery{Repo: "r", Words: []string{word(0)}, Limit: 1})
	return err == nil && len(hits) == 0 && bytesOf(o.dir, "*.db-wal") == 0
}
