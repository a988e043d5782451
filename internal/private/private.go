// Package private makes and checks files and folders that only one user may read. It is for
// programs that open files by name, as SQLite does: what is checked here must not be
// replaced before it is opened, so nobody else may write to the folder.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrUnsafe is returned for a name that is not what this program would have made: a
// symbolic link, a FIFO, a folder in a file's place, a file with a second name, or one of
// another user.
var ErrUnsafe = errors.New("not a private file or folder")

// Modes of what is made, whatever the umask is.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// Folder makes a folder that only this user can enter, and its parents as far as they are
// missing. It reports whether others can enter one that is there already. The parents are
// trusted; the folder itself must not be a link.
func Folder(path string) (shared bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return false, err
	}
	switch err := os.Mkdir(path, folderMode); {
	case err == nil:
		return false, os.Chmod(path, folderMode) // what the umask took
	case !errors.Is(err, fs.ErrExist):
		return false, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return false, fmt.Errorf("%w: %s is %s, not a folder: name a folder that is there, or one to be made", ErrUnsafe, path, kindOf(info.Mode()))
	}
	return info.Mode().Perm()&others != 0, nil
}

// File makes sure that a path names a regular file that this user alone can read and write:
// it makes an empty one, or checks the one that is there and mends its mode. It reports
// whether others could read it before. No process may have a lock of POSIX on the file in
// this one, as SQLite has: closing any descriptor of a file ends such locks.
func File(path string) (shared bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|openFlags, fileMode)
	if err == nil {
		return false, errors.Join(f.Chmod(fileMode), f.Close())
	}
	if !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	return Check(path)
}

// Check does what File does for a file that is there, and nothing for one that is not.
func Check(path string) (shared bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%w: %s is %s, not a regular file: remove it", ErrUnsafe, path, kindOf(info.Mode()))
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return false, err
	}
	shared, err = check(f, path, info)
	return shared, errors.Join(err, f.Close())
}

func check(f *os.File, path string, looked fs.FileInfo) (shared bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !os.SameFile(looked, info) {
		return false, fmt.Errorf("%w: %s was replaced while it was being opened: let no other user write to its folder", ErrUnsafe, path)
	}
	if err := checkOwner(info, path); err != nil {
		return false, err
	}
	if info.Mode().Perm()&others == 0 {
		return false, nil
	}
	return true, f.Chmod(info.Mode().Perm() &^ others)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
