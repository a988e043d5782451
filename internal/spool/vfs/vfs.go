package vfs

import (
	"errors"
	"io"
	"time"
)

// Errors of every implementation, wrapped in an *fs.PathError. A full disk is
// syscall.ENOSPC and one that cannot read a place is syscall.EIO, on every system.
var (
	// ErrUnsafe is returned for a name that the spool cannot have made: a symbolic link, a
	// FIFO, a folder in a file's place, a file with a second name, or a file or folder that
	// another user owns or can access.
	ErrUnsafe = errors.New("vfs: not a private regular file or folder")
	// ErrLocked is returned by Lock while another process or handle holds the lock.
	ErrLocked = errors.New("vfs: locked by another process")
)

// FS is one folder. Names are single path elements: not "." or "..", and without '/',
// '\\', ':' and NUL, whatever the system allows; else fs.ErrInvalid.
// All methods may be called concurrently.
type FS interface {
	// OpenFile opens a file; flag is made of os.O_RDONLY, os.O_RDWR, os.O_CREATE,
	// os.O_EXCL and os.O_TRUNC. A new file has mode 0600 whatever the umask is.
	OpenFile(name string, flag int) (File, error)
	// Remove removes a file, or an empty folder.
	Remove(name string) error
	// Rename gives a file another name in this folder and replaces a file of that name.
	Rename(from, to string) error
	// ReadDir lists the folder, sorted by name.
	ReadDir() ([]Info, error)
	// Sync makes the names in this folder durable: files that were created, renamed or
	// removed before.
	Sync() error
	// Folder opens a folder in this one, and makes it with mode 0700 if it is not there.
	Folder(name string) (FS, error)
	// Lock takes an exclusive lock on a file, which it makes if it is not there, until
	// the returned value is closed or the process ends. It does not wait: ErrLocked.
	Lock(name string) (io.Closer, error)
	// Free returns the number of bytes that this user can still store on the disk.
	Free() (int64, error)
	// Close releases the folder. Open files stay open.
	Close() error
}

// File is an open file. ReadAt and WriteAt may be called concurrently.
type File interface {
	io.ReaderAt
	// WriteAt writes all of p or returns an error; the bytes written before an error are
	// unspecified.
	io.WriterAt
	// Truncate sets the length.
	Truncate(size int64) error
	// Sync makes content and length durable. After an error nothing is known about
	// the bytes on disk, and a later success proves nothing about them.
	Sync() error
	// Size returns the length in bytes.
	Size() (int64, error)
	// Close closes the file without syncing it.
	Close() error
}

// Info describes a name in a folder.
type Info struct {
	Name    string
	Size    int64 // bytes; 0 for a folder
	Dir     bool
	Regular bool // neither folder, link, FIFO nor device
	ModTime time.Time
}
