package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/troupelog/troupe/internal/store"
)

// textsOf makes blocks of one text each, the first of which has a number.
func textsOf(first, blocks int, recv time.Time) (texts []store.TextAt) {
	for i := range blocks {
		texts = append(texts, store.TextAt{
			Loc: store.Loc{Block: int64(first + i)}, Repo: "r", Recv: recv.Add(time.Duration(i)),
			Text: fmt.Sprintf("needle n%d %s", first+i, strings.Repeat(fmt.Sprintf("filler%d ", first+i), 50)),
		})
	}
	return texts
}

func found(t *testing.T, x *Search, word string) (blocks []int64) {
	t.Helper()
	hits, err := x.Find(t.Context(), store.SearchQuery{Repo: "r", Words: []string{word}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		blocks = append(blocks, h.Block)
	}
	return blocks
}

func TestALargeMonthIsInSeveralPartsWhichGoOneByOne(t *testing.T) {
	dir, recv := t.TempDir(), time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)
	open := func() *Search {
		x, err := OpenSearch(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		x.limit = 64 << 10
		return x
	}
	x := open()
	for step := range 20 {
		if step == 15 {
			recv = recv.Add(time.Second) // February
		}
		if step%6 == 5 {
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			x = open()
		}
		if err := x.Add(t.Context(), textsOf(step*50+1, 50, recv), store.Cursor(step*50), store.Cursor(step*50+50)); err != nil {
			t.Fatal(err)
		}
	}
	names := func() (names []string) {
		for _, p := range x.parts {
			names = append(names, p.name)
		}
		return names
	}
	all := names()
	if len(all) < 4 || all[0] != "2026-01" || all[1] != "2026-01-0002" || all[2] != "2026-01-0003" || !slices.Contains(all, "2026-02") || !slices.IsSorted(all) {
		t.Errorf("the parts are %q", all)
	}
	want := 1000
	for before := 0; before <= 1000; before += 130 {
		if err := x.Prune(t.Context(), store.Cursor(before)); err != nil {
			t.Fatal(err)
		}
		if err := x.Trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if blocks := found(t, x, "needle"); len(blocks) != want-before || blocks[len(blocks)-1] != int64(before+1) {
			t.Fatalf("when blocks up to %d are dropped, %d are found", before, len(blocks))
		}
	}
	if left := names(); len(left) >= len(all)-1 || left[len(left)-1] != all[len(all)-1] {
		t.Errorf("the parts that are left are %q of %q", left, all)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSearchFilesOfAnOlderFormatAreMadeAnew(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	for _, month := range []string{"2025-12", "2026-01"} {
		f, err := open(filepath.Join(dir, partFile(month)), searchTuning)
		if err != nil {
			t.Fatal(err)
		}
		scripts, err := fs.Sub(migrations, "migration/search")
		if err != nil {
			t.Fatal(err)
		}
		provider, err := goose.NewProvider(goose.DialectSQLite3, f.write, scripts, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.UpTo(ctx, 1); err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{`INSERT INTO repos VALUES (1, 'r')`, `INSERT INTO blocks VALUES (7, 1)`, `INSERT INTO words (rowid, t) VALUES ((1 << 43) + (7 << 7), 'old')`, `UPDATE cur SET at = 7`} {
			if _, err := f.write.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
	x, err := OpenSearch(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if at, err := x.Cursor(ctx); at != 0 || err != nil {
		t.Errorf("the cursor is %d, %v; want 0: everything is searched anew", at, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if err := x.Add(ctx, textsOf(1, 7, time.Now()), 0, 7); err != nil {
		t.Fatal(err)
	}
	if blocks := found(t, x, "n7"); len(blocks) != 1 {
		t.Errorf("%d lines are found, want 1", len(blocks))
	}
}

// TestAResetThatWasCutShortIsFinished has a Reset fail at one part after another, as if the
// process had been killed there.
func TestAResetThatWasCutShortIsFinished(t *testing.T) {
	for _, month := range []string{"2026-01", "2026-02", "2026-03"} {
		t.Run(month, func(t *testing.T) {
			ctx, dir := t.Context(), filepath.Join(t.TempDir(), "a[b]c")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			x, err := OpenSearch(ctx, dir)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				recv := time.Date(2026, time.Month(i+1), 1, 0, 0, 0, 0, time.UTC)
				if err := x.Add(ctx, textsOf(i+1, 1, recv), store.Cursor(i), store.Cursor(i+1)); err != nil {
					t.Fatal(err)
				}
			}
			obstacle := filepath.Join(dir, partFile(month)+"-journal")
			if err := os.MkdirAll(filepath.Join(obstacle, "full"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := x.Reset(ctx); err == nil {
				t.Error("Reset says that it removed what it could not")
			}
			if err := errors.Join(x.Close(), os.RemoveAll(obstacle)); err != nil {
				t.Fatal(err)
			}
			if x, err = OpenSearch(ctx, dir); err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			if at, err := x.Cursor(ctx); at != 0 || err != nil || len(x.parts) > 0 {
				t.Errorf("the cursor is %d, %v, and %d parts are left; want 0", at, err, len(x.parts))
			}
		})
	}
}

func TestASearchInAFolderNamedLikeAPatternIsFoundAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	x, err := OpenSearch(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Add(t.Context(), textsOf(1, 3, time.Now()), 0, 3), x.Close()); err != nil {
		t.Fatal(err)
	}
	if x, err = OpenSearch(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if blocks := found(t, x, "needle"); x.at != 3 || len(blocks) != 3 {
		t.Errorf("the cursor is %d, and %d lines are found; want 3", x.at, len(blocks))
	}
}

func TestAnEmptyPartThatAKilledProcessLeftIsPassedBy(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	x, err := OpenSearch(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := x.Add(ctx, textsOf(1, 3, january), 0, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := x.partOf(ctx, "2026-02"); err != nil { // and then it was killed
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if x, err = OpenSearch(ctx, dir); err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if at, err := x.Cursor(ctx); at != 3 || err != nil {
		t.Errorf("the cursor is %d, %v; want 3", at, err)
	}
	if err := x.Add(ctx, textsOf(4, 1, january.AddDate(0, 1, 0)), 3, 4); err != nil {
		t.Fatal(err)
	}
	if blocks := found(t, x, "needle"); !slices.Equal(blocks, []int64{4, 3, 2, 1}) {
		t.Errorf("the blocks %v are found", blocks)
	}
}
