package seglog

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// quarantineBytes limits the copies of damaged and unknown segments, in total.
const quarantineBytes = 64 << 20

// setAside copies the segments to quarantine that Read found damaged.
func (c *committer) setAside() {
	c.mu.Lock()
	names := c.damaged
	c.damaged = nil
	c.mu.Unlock()
	for _, name := range slices.Compact(names) {
		_ = c.quarantine(name, name, 0, errFrame) // the records that are left are read all the same
	}
}

// quarantine copies the file name from offset on, and calls it as. A copy that is there
// already is left as it is.
func (l *Log) quarantine(name, as string, offset int64, cause error) error {
	if l.cfg.Quarantine == nil {
		return nil
	}
	n, err := copyFile(l.cfg.Quarantine, as, l.cfg.FS, name, offset)
	if err != nil || n == 0 {
		return err
	}
	discarded := boundFolder(l.cfg.Quarantine, quarantineBytes)
	l.mu.Lock()
	defer l.unlock()
	l.report(Event{Kind: Quarantined, Name: name, Err: cause})
	if discarded > 0 {
		l.report(Event{Kind: Discarded, Count: discarded})
	}
	return nil
}

// copyFile copies the file name of a folder from offset on to the file as of another, and
// returns how many bytes; none if that is there.
func copyFile(to vfs.FS, as string, from vfs.FS, name string, offset int64) (int64, error) {
	src, err := from.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = src.Close() }()
	size, err := src.Size()
	if err != nil {
		return 0, err
	}
	size = min(size, offset+quarantineBytes)
	dst, err := to.OpenFile(as, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, os.ErrExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.NewOffsetWriter(dst, 0), io.NewSectionReader(src, offset, size-offset))
	if err == nil {
		err = dst.Sync()
	}
	err = errors.Join(err, dst.Close())
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		return 0, errors.Join(err, to.Remove(as))
	}
	return size - offset, nil
}

// boundFolder removes the oldest files of a folder until they have limit bytes at most,
// and returns how many it removed.
func boundFolder(folder vfs.FS, limit int64) (removed int64) {
	files, err := folder.ReadDir()
	if err != nil {
		return 0 // the next copy tries again
	}
	slices.SortFunc(files, func(a, b vfs.Info) int {
		if c := a.ModTime.Compare(b.ModTime); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	var bytes int64
	for _, f := range files {
		bytes += f.Size
	}
	for _, f := range files {
		if bytes <= limit {
			break
		}
		if folder.Remove(f.Name) == nil {
			bytes -= f.Size
			removed++
		}
	}
	return removed
}
