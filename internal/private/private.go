// Package private creates and checks files and folders that only one user may read. It is for
// programs that open files by name, as SQLite does: nobody else may write to the folder, because
// a checked file must not be replaced before it is opened.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrUnsafe is returned for a name that this program would not have created: a symbolic link, a
// FIFO, a folder in place of a file, a file with a second name, or a file of another user. It may
// be a trap, so nothing is opened or changed.
var ErrUnsafe = errors.New("not a private file or folder")

// Modes of new files and folders. They hold whatever the umask is.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// Folder creates a folder that only this user can enter, and its missing parents. If the folder
// exists, Folder leaves its mode alone and reports whether others can enter it. The parents are
// trusted; the folder itself must not be a link.
func Folder(path string) (shared bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return false, err
	}
	switch err := os.Mkdir(path, folderMode); {
	case err == nil:
		return false, os.Chmod(path, folderMode) // the umask may have removed bits
	case !errors.Is(err, fs.ErrExist):
		return false, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return false, fmt.Errorf("%w: %s is %s, not a folder: name an existing folder or a new one", ErrUnsafe, path, kindOf(info.Mode()))
	}
	return info.Mode().Perm()&others != 0, nil
}

// File makes sure that a path names a regular file that only this user can read and write: it
// creates an empty one, or checks the existing one and corrects its mode. It reports whether
// others could read the file before. Call it before this process takes POSIX locks on the file, as
// SQLite does: closing any descriptor of a file releases all of the process's locks on it.
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

// Check does the same as File for an existing file, and nothing for a missing one.
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

// check compares the opened file with the one that was looked at, because somebody may replace a
// file in between, and corrects its mode through the descriptor for the same reason.
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

// kindOf names a type of file for an error text.
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
