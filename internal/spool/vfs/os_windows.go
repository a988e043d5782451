package vfs

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// openFlags is empty: os.Root does not follow links, and a FIFO has no name in a folder.
const openFlags = 0

func checkFolder(info fs.FileInfo) error {
	if !info.IsDir() {
		return unsafeKind(info, "a folder")
	}
	return nil
}

// checkFile returns ErrUnsafe unless the open file is a regular file with a single name.
func checkFile(f *os.File, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return unsafeKind(info, "a regular file")
	}
	var data windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &data); err != nil {
		return err
	}
	if n := data.NumberOfLinks; n != 1 {
		return unsafe("it has %d names (hard links), so it can be changed from elsewhere; remove this one", n)
	}
	return nil
}

// There is no umask, and modes do not protect a file here.
func ownerMode(place, string) error { return nil }
func setFileMode(*os.File) error    { return nil }

func dataSync(f *os.File) error { return f.Sync() }

// NTFS writes its names through a journal, and a folder cannot be flushed.
func syncFolder(root *os.Root) error {
	_, err := root.Lstat(".")
	return err
}

func syncParent(string) error { return nil }

// lock locks a byte far after the process id, which would be unreadable otherwise.
func lock(f *os.File) error {
	at := windows.Overlapped{OffsetHigh: math.MaxInt32}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// portable translates an error of the system into the portable one.
func portable(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_DISK_FULL), errors.Is(err, windows.ERROR_HANDLE_DISK_FULL):
		return syscall.ENOSPC
	case errors.Is(err, windows.ERROR_CRC), errors.Is(err, windows.ERROR_SECTOR_NOT_FOUND),
		errors.Is(err, windows.ERROR_READ_FAULT), errors.Is(err, windows.ERROR_IO_DEVICE):
		return syscall.EIO
	}
	return err
}

func free(root *os.Root) (int64, error) {
	path, err := windows.UTF16PtrFromString(root.Name())
	if err != nil {
		return 0, err
	}
	var bytes uint64
	if err := windows.GetDiskFreeSpaceEx(path, &bytes, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(bytes, math.MaxInt64)), nil
}
