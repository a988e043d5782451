//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep an open from following a link, from waiting for the other end of a
// FIFO, and from leaking into a child process. On a regular file O_NONBLOCK means
// nothing.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC

// others are the permission bits of everybody but the owner.
const others fs.FileMode = 0o077

// checkFolder returns ErrUnsafe unless info is a folder of this user, closed to others.
func checkFolder(info fs.FileInfo) error {
	if !info.IsDir() {
		return unsafeKind(info, "a folder")
	}
	if err := checkOwner(info); err != nil {
		return err
	}
	if perm := info.Mode().Perm(); perm&others != 0 {
		return unsafe("other users can get in with mode %04o; make it 0700, or choose another folder", perm)
	}
	return nil
}

// checkFile returns ErrUnsafe unless the open file is a regular file of this user with a
// single name, closed to others.
func checkFile(_ *os.File, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return unsafeKind(info, "a regular file")
	}
	if err := checkOwner(info); err != nil {
		return err
	}
	if n := info.Sys().(*syscall.Stat_t).Nlink; n != 1 {
		return unsafe("it has %d names (hard links), so it can be changed from elsewhere; remove this one", n)
	}
	if perm := info.Mode().Perm(); perm&others != 0 {
		return unsafe("other users can get at it with mode %04o; remove it, or make it 0600 if you trust its content", perm)
	}
	return nil
}

// checkOwner returns ErrUnsafe unless the effective user of this process is the owner.
func checkOwner(info fs.FileInfo) error {
	uid, me := int64(info.Sys().(*syscall.Stat_t).Uid), int64(os.Geteuid())
	if uid != me {
		return unsafe("user %d owns it, and this process runs as user %d; remove it, or change its owner", uid, me)
	}
	return nil
}

// ownerMode restores the permissions that the umask removed from a new folder. A usual
// umask removes none from mode 0700, and then the folder is not touched.
func ownerMode(at place, name string) error {
	info, err := at.Lstat(name)
	if err != nil || !info.IsDir() || info.Mode().Perm() == folderMode {
		return err
	}
	return at.Chmod(name, folderMode)
}

// setFileMode restores the permissions that the umask removed from a new file.
func setFileMode(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == fileMode {
		return err
	}
	return f.Chmod(fileMode)
}

// syncFolder makes the names in a folder durable.
func syncFolder(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// syncParent makes the name of a new folder durable. A parent that can be written to but not
// listed cannot be synced; its owner chose that.
func syncParent(dir string) error {
	parent, err := os.OpenRoot(filepath.Dir(dir))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(parent), parent.Close())
}

// lock locks the open file, not the process: two opens of one process exclude each
// other as well.
func lock(f *os.File) error {
	err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// free returns the bytes available to this user, without the reserve of root.
func free(root *os.Root) (int64, error) {
	dir, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	var st unix.Statfs_t
	err = control(dir, func(fd int) error { return unix.Fstatfs(fd, &st) })
	if err := errors.Join(err, dir.Close()); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * blockSize(&st), nil
}

// portable returns an error of the system as the one that it is on every system.
func portable(err error) error { return err }

// control runs a system call on the descriptor of f, again if a signal interrupts it.
func control(f *os.File, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for {
			if failed = call(int(fd)); !errors.Is(failed, unix.EINTR) {
				return
			}
		}
	})
	if err != nil {
		return fs.ErrClosed // the only reason why Control fails; its error does not say so
	}
	return failed
}
