package service

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWhatWasSetAsideGoesAfterAKillWithinForget forgets as a process does that was killed when
// the log had dropped its lines, in a folder whose name is a pattern.
func TestWhatWasSetAsideGoesAfterAKillWithinForget(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]c")
	c, err := open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeping{T: t, opened: c, words: []string{"w"}, rnd: startKeeping(t, 1).rnd}
	k.fill(10)
	before := time.Now()
	if _, lines, err := c.Retention.Drop(t.Context(), before); err != nil || lines == 0 {
		t.Fatal(lines, err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err = open(dir, nil); err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	var aside []string
	for _, name := range []string{"index.db.damaged", "search-2026-01.db.damaged-wal"} {
		aside = append(aside, filepath.Join(dir, name))
		if err := os.WriteFile(aside[len(aside)-1], []byte("deleted words"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Prune(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	for _, path := range aside {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", filepath.Base(path), err)
		}
	}
}
