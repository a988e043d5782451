package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// dataSync leaves out the times of the file: they cost a second write and nothing
// here needs them. The length is written.
func dataSync(f *os.File) error {
	return control(f, unix.Fdatasync)
}

// blockSize is the unit of the block counts, which on a FUSE file system is not the
// preferred size of a transfer.
func blockSize(st *unix.Statfs_t) int64 {
	if st.Frsize > 0 {
		return int64(st.Frsize) //nolint:unconvert // 32 bits wide on some processors
	}
	return int64(st.Bsize) //nolint:unconvert // as above
}
