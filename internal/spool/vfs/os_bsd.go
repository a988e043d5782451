//go:build unix && !linux

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// dataSync asks for more than fsync on macOS, which leaves data in the drive's cache:
// os.File.Sync uses F_FULLFSYNC there.
func dataSync(f *os.File) error { return f.Sync() }

func blockSize(st *unix.Statfs_t) int64 { return int64(st.Bsize) }
