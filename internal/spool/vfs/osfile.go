package vfs

import (
	"io"
	"os"
)

// osFile is a file of the real file system.
type osFile struct{ *os.File }

func (f osFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, pathError("read", f.Name(), err)
}

func (f osFile) WriteAt(p []byte, offset int64) (int, error) {
	n, err := f.File.WriteAt(p, offset)
	return n, pathError("write", f.Name(), err)
}

func (f osFile) Truncate(size int64) error {
	return pathError("truncate", f.Name(), f.File.Truncate(size))
}

func (f osFile) Sync() error {
	if err := dataSync(f.File); err != nil {
		return pathError("sync", f.Name(), err)
	}
	return nil
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
