package private_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/private"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestFilesAndFoldersAreMadeForOneUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if shared, err := private.Folder(dir); shared || err != nil {
		t.Fatal(shared, err)
	}
	path := filepath.Join(dir, "file")
	for range 2 {
		if shared, err := private.File(path); shared || err != nil {
			t.Fatal(shared, err)
		}
	}
	if runtime.GOOS != "windows" && (mode(t, dir) != 0o700 || mode(t, path) != 0o600) {
		t.Errorf("modes %o and %o", mode(t, dir), mode(t, path))
	}
	if shared, err := private.Check(filepath.Join(dir, "none")); shared || err != nil {
		t.Errorf("a missing file: %v, %v", shared, err)
	}
}

func TestWhatOthersCouldReadIsMendedAndSaid(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no modes")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if shared, err := private.File(path); !shared || err != nil || mode(t, path) != 0o600 {
		t.Errorf("%v, %v, mode %o", shared, err, mode(t, path))
	}
	if shared, err := private.Folder(dir); !shared || err != nil || mode(t, dir) != 0o755 {
		t.Errorf("%v, %v, mode %o; a folder is left as it is", shared, err, mode(t, dir))
	}
	if text, err := os.ReadFile(path); string(text) != "text" || err != nil {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestLinksAndOtherThingsAreRefused(t *testing.T) {
	dir := t.TempDir()
	target, link, folder := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "folder")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("links cannot be made: ", err)
	}
	if err := os.Symlink(folder, link+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), link+"3"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, link + "3", folder} {
		if _, err := private.File(path); !errors.Is(err, private.ErrUnsafe) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{link + "2", target} {
		if _, err := private.Folder(path); !errors.Is(err, private.ErrUnsafe) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Link(target, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	if _, err := private.File(target); !errors.Is(err, private.ErrUnsafe) {
		t.Errorf("a file with two names: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a file was made through a link")
	}
}
