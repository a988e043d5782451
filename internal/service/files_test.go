package service

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/private"
)

func TestNobodyElseCanReadWhatIsStored(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no modes")
	}
	dir := filepath.Join(t.TempDir(), "data")
	// As an older version left it, in a folder that somebody else made.
	k := startKeeping(t, 100)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(k.dir, dir), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, filepath.Join(dir, "secret"), filepath.Join(dir, "lock")) {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	notes := &notebook{}
	c, err := open(dir, slog.New(slog.NewTextHandler(notes, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	k = &keeping{T: t, opened: c, rnd: k.rnd, words: k.words}
	k.fill(100)
	if err := c.PutFile(t.Context(), "r/a", "text/plain", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	journals := 0
	for _, path := range k.files() {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", filepath.Base(path), info.Mode().Perm())
		}
		if strings.HasSuffix(path, "-wal") || strings.HasSuffix(path, "-shm") {
			journals++
		}
	}
	if journals < 6 {
		t.Errorf("%d journals were looked at, want 6", journals)
	}
	for _, said := range []string{"other users can enter the folder", "0700", "other users could read the secrets"} {
		if !strings.Contains(notes.String(), said) {
			t.Errorf("the log does not say %q: %s", said, notes)
		}
	}
}

func TestPlantedLinksAreRefused(t *testing.T) {
	k := startKeeping(t, 1)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	search, err := filepath.Glob(filepath.Join(k.dir, "search-*.db"))
	if err != nil || len(search) != 1 {
		t.Fatal(search, err)
	}
	names := []string{"lock", "secret", "log.db", "index.db", filepath.Base(search[0]), "blobs", "log.db-wal", "index.db-shm", "log.db-journal", filepath.Base(search[0]) + "-wal"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path, target := filepath.Join(k.dir, name), filepath.Join(t.TempDir(), "elsewhere")
			kept := path + ".kept"
			if err := os.Rename(path, kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if err := os.Symlink(target, path); err != nil {
				t.Skip("links cannot be made: ", err)
			}
			c, err := open(k.dir, nil)
			if !errors.Is(err, private.ErrUnsafe) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want ErrUnsafe and the name", err)
			}
			if err == nil {
				_ = c.Close(t.Context())
			}
			if _, err := os.Lstat(target); err == nil {
				t.Error("something was made through the link")
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(kept, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		})
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(k.dir, link); err != nil {
		t.Skip("links cannot be made: ", err)
	}
	if _, err := open(link, nil); !errors.Is(err, private.ErrUnsafe) {
		t.Errorf("a link to the folder: %v", err)
	}
}
