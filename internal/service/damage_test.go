package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// damages are ways in which a file of a database is changed by others.
var damages = map[string]func(content []byte) []byte{
	"another file": func([]byte) []byte { return []byte("These are my notes of May, and no database.\n") },
	"cut":          func(content []byte) []byte { return content[:len(content)/2] },
	"zeros":        func(content []byte) []byte { return make([]byte, len(content)) },
	"first page": func(content []byte) []byte {
		clear(content[100:4096])
		return content
	},
	"short": func(content []byte) []byte { return content[:50] },
}

// damagedFolder returns a folder with traces, one of whose files is damaged.
func damagedFolder(t *testing.T, file string, damage func([]byte) []byte) string {
	t.Helper()
	k := startKeeping(t, 150)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(k.dir, file))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%q, %v", paths, err)
	}
	content, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[0], damage(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return k.dir
}

func TestADamagedIndexOrSearchIsBuiltAnew(t *testing.T) {
	for _, file := range []string{"index.db", "search-*.db"} {
		for name, damage := range damages {
			t.Run(file+" "+name, func(t *testing.T) {
				dir := damagedFolder(t, file, damage)
				notes := &notebook{}
				c, err := open(dir, slog.New(slog.NewTextHandler(notes, nil)))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close(context.Background())
				k := &keeping{T: t, opened: c, traces: 150}
				k.wantAll()
				if aside, _ := filepath.Glob(filepath.Join(dir, file+asideName)); len(aside) != 1 || !strings.Contains(notes.String(), filepath.Base(aside[0])) {
					t.Errorf("%q is set aside, and the log says %s", aside, notes)
				}
			})
		}
	}
}

const asideName = ".damaged"

// wantAll checks that all traces are listed and found.
func (k *keeping) wantAll() {
	k.Helper()
	k.projector.notify()
	k.searchIndexer.notify()
	k.settled()
	if first := k.first(); first != 0 {
		k.Errorf("%d traces are not in the index", first)
	}
	for _, trace := range []int{0, k.traces - 1} {
		hits, err := k.shard.Search.Find(k.Context(), store.SearchQuery{Repo: "r", Words: []string{word(trace)}, Limit: 2})
		if err != nil || len(hits) != 1 {
			k.Errorf("%d lines have the word of trace %d, %v", len(hits), trace, err)
		}
	}
}

func TestDamageThatIsFoundWhileRunningIsMended(t *testing.T) {
	for _, file := range []string{"index.db", "search-*.db"} {
		t.Run(file, func(t *testing.T) {
			// All pages but the first: opening does not look at them.
			dir := damagedFolder(t, file, func(content []byte) []byte {
				for i := 4096 * 3; i < len(content); i += 7 {
					content[i] ^= 0x5a
				}
				return content
			})
			notes := &notebook{}
			c, err := open(dir, slog.New(slog.NewTextHandler(notes, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			k := &keeping{T: t, opened: c, traces: 150}
			if !c.IndexPruner.Damaged() && !c.SearchPruner.Damaged() && notes.String() == "" {
				// A reader comes upon it.
				_, _ = c.Lists.Counts(t.Context(), "r")
				_, _ = c.Lists.Rows(t.Context(), store.RowQuery{Filter: store.Filter{Repo: "r"}, Limit: 150})
				for trace := range 150 {
					_, _ = c.shard.Search.Find(t.Context(), store.SearchQuery{Repo: "r", Words: []string{word(trace)}, Limit: 2})
				}
				c.mend(context.Background())
			}
			k.rebuilt(file)
			k.wantAll()
			k.rnd, k.words = startKeeping(t, 1).rnd, []string{"more"}
			k.fill(50)
			k.wantAll()
		})
	}
}

// rebuilt waits until a damaged file is set aside.
func (k *keeping) rebuilt(file string) {
	k.Helper()
	for ctx := k.Context(); ; {
		if aside, _ := filepath.Glob(filepath.Join(k.dir, file+asideName)); len(aside) == 1 {
			return
		}
		next := k.projector.next()
		if strings.HasPrefix(file, "search") {
			next = k.searchIndexer.next()
		}
		k.mend(context.Background())
		select {
		case <-next:
		case <-ctx.Done():
			k.Fatal(ctx.Err())
		}
	}
}

func TestADamagedLogIsSaidToBeDamaged(t *testing.T) {
	all := maps.Clone(damages)
	all["empty"] = func([]byte) []byte { return nil }
	for name, damage := range all {
		t.Run(name, func(t *testing.T) {
			dir := damagedFolder(t, "log.db", damage)
			_, err := open(dir, nil)
			damaged, ok := errors.AsType[*store.DamagedError](err)
			if !ok || damaged.File != "log.db" {
				t.Fatalf("%v, want a DamagedError of log.db", err)
			}
			for _, word := range []string{"log.db is damaged", "copy", ".recover", "move log.db, log.db-wal and log.db-shm away together"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			// Moved away, everything begins anew.
			if err := os.Rename(filepath.Join(dir, "log.db"), filepath.Join(dir, "log.old")); err != nil {
				t.Fatal(err)
			}
			c, err := open(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			if at, err := c.Index.Cursor(t.Context()); at != 0 || err != nil {
				t.Errorf("the index is at %d, %v; want 0: its lines are gone", at, err)
			}
		})
	}
}

// TestSettingASearchPartAsideCanBeCutShort has the second start stop between the parts, as if
// it had been killed there.
func TestSettingASearchPartAsideCanBeCutShort(t *testing.T) {
	dir := t.TempDir()
	c, err := open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for month := range 3 {
		line := fmt.Appendf(nil, `trace{id=t%d,action=create,data={"input":"%s"}}`, month, word(month))
		batch := store.Batch{Repo: "r", Recv: time.Date(2026, time.Month(month+1), 1, 0, 0, 0, 0, time.UTC), Lines: [][]byte{line}}
		if _, err := c.Log.Append(t.Context(), []store.Batch{batch}); err != nil {
			t.Fatal(err)
		}
	}
	c.searchIndexer.notify()
	if err := errors.Join(c.WaitSearchable(t.Context()), c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(dir, "search-2026-03.db-journal")
	err = errors.Join(os.WriteFile(filepath.Join(dir, "search-2026-01.db"), damages["another file"](nil), 0o600),
		os.MkdirAll(filepath.Join(obstacle, "full"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := open(dir, nil); err == nil {
		_ = c.Close(t.Context())
		t.Fatal("the start was not cut short")
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	if c, err = open(dir, nil); err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	k := &keeping{T: t, opened: c, traces: 3}
	k.wantAll()
}

func TestALogWithoutContentBesideItsJournalIsRefused(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			// As a killed process leaves the folder: the journal holds lines.
			k, dir := startKeeping(t, 20), t.TempDir()
			for _, file := range []string{"log.db", "log.db" + "-wal"} {
				content, err := os.ReadFile(filepath.Join(k.dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, "log.db")
			journal, err := os.ReadFile(path + "-wal")
			if err != nil || len(journal) == 0 {
				t.Fatal("there is no journal: ", err)
			}
			if err := lose(path); err != nil {
				t.Fatal(err)
			}
			c, err := open(dir, nil)
			if err == nil {
				_ = c.Close(t.Context())
			}
			damaged, ok := errors.AsType[*store.DamagedError](err)
			if !ok || damaged.File != "log.db" || !strings.Contains(err.Error(), "log.db, log.db-wal and log.db-shm away together") {
				t.Errorf("%v, want a DamagedError that says what to do", err)
			}
			if now, err := os.ReadFile(path + "-wal"); err != nil || !slices.Equal(now, journal) {
				t.Errorf("the journal was changed: %d bytes, were %d; %v", len(now), len(journal), err)
			}
		})
	}
}

func TestNotReadyWhileNothingCanBeStored(t *testing.T) {
	k := startKeeping(t, 10)
	if why := k.Ready(t.Context()); why != nil {
		t.Error(why)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why := k.Ready(t.Context()); !slices.Contains(why, "the collector is closed") {
		t.Errorf("after Close: %v", why)
	}
	if err := k.AppendLocal(t.Context(), "r", [][]byte{[]byte("trace{id=x,action=create,data={}}")}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("appending after Close: %v, want ErrClosed", err)
	}
}
