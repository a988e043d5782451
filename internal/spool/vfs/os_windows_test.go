package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"
)

func TestErrorsOfTheDiskAreThoseOfEverySystem(t *testing.T) {
	t.Parallel()
	for from, want := range map[syscall.Errno]error{
		windows.ERROR_DISK_FULL: syscall.ENOSPC, windows.ERROR_HANDLE_DISK_FULL: syscall.ENOSPC,
		windows.ERROR_CRC: syscall.EIO, windows.ERROR_SECTOR_NOT_FOUND: syscall.EIO,
		windows.ERROR_READ_FAULT: syscall.EIO, windows.ERROR_IO_DEVICE: syscall.EIO,
		windows.ERROR_ACCESS_DENIED: fs.ErrPermission,
	} {
		err := pathError("write", "file", &os.PathError{Op: "write", Path: "relative", Err: from})
		if !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", from, err, want)
		}
	}
}
