package vfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// swapping puts another folder in place of each one after it was looked at, until
// left is used up.
type swapping struct {
	host
	t    *testing.T
	left int
}

func (s *swapping) OpenRoot(name string) (*os.Root, error) {
	if s.left > 0 {
		s.left--
		noError(s.t, os.Rename(name, filepath.Join(s.t.TempDir(), "away")))
		noError(s.t, os.Mkdir(name, folderMode))
	}
	return s.host.OpenRoot(name)
}

// TestFolderReplacedWhileOpened: it is looked at again, but not for ever.
func TestFolderReplacedWhileOpened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f, err := openFolder(&swapping{t: t, left: tries - 1}, dir, dir)
	noError(t, err)
	noError(t, f.Close())
	_, err = openFolder(&swapping{t: t, left: tries}, dir, dir)
	wantError(t, err, ErrUnsafe)
}

// TestFileReplacedWhileOpened: an open file counts only if it is the one that the
// name was seen to stand for.
func TestFileReplacedWhileOpened(t *testing.T) {
	dir := t.TempDir()
	looked := func(name string) fs.FileInfo {
		noError(t, os.WriteFile(filepath.Join(dir, name), nil, fileMode))
		info, err := os.Lstat(filepath.Join(dir, name))
		noError(t, err)
		return info
	}
	one, two := looked("one"), looked("two")
	f, err := os.Open(filepath.Join(dir, "one"))
	noError(t, err)
	defer f.Close()
	noError(t, checkOpened(f, one))
	wantError(t, pathError("open", "one", checkOpened(f, two)), ErrUnsafe)
}

// TestErrorsSayTheFullPath: the paths of os.Root are relative to a folder that the
// reader of the error does not know.
func TestErrorsSayTheFullPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f := openOS(t, dir)
	sub, err := f.Folder("sub")
	noError(t, err)
	defer sub.Close()
	_, err = sub.OpenFile("missing", os.O_RDONLY)
	wantError(t, err, fs.ErrNotExist)
	if want := filepath.Join(dir, "sub", "missing"); strings.Count(err.Error(), "missing") != 1 || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %q, want the path %s once", err, want)
	}
}
