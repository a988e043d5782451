package vfs

import (
	"io"
	"io/fs"
	"math"
	"syscall"
	"time"
)

// sectorSize is the number of bytes that a drive writes as a whole.
const sectorSize = 512

// sector has one bit for each byte of a sector: whether it was written since the last Sync.
type sector [sectorSize / 64]uint64

// mark sets the bits of the bytes [from, to). A whole sector is the common case.
func (s *sector) mark(from, to int64) {
	if from == 0 && to == sectorSize {
		for i := range s {
			s[i] = math.MaxUint64
		}
		return
	}
	for i := from; i < to; i++ {
		s[i/64] |= 1 << (i % 64)
	}
}

func (s *sector) has(i int64) bool { return s[i/64]&(1<<(i%64)) != 0 }

// memFile is the content of a file. All fields are guarded by disk.mu.
type memFile struct {
	now      []byte
	durable  []byte            // at the last Sync
	dirty    map[int64]*sector // by number: where now differs, or did, from durable
	shortest int64             // the least length since the last Sync
	modTime  time.Time
	handles  int
	named    bool // has a name in a folder
	locked   bool
	// spoiled is set by a failed Sync: the system may have discarded the unwritten bytes
	// and marked them clean, so that no later Sync makes anything durable.
	spoiled bool
}

func (f *memFile) info(name string) Info {
	return Info{Name: name, Size: int64(len(f.now)), Regular: true, ModTime: f.modTime}
}

// touch marks the bytes [from, to) as changed.
func (f *memFile) touch(from, to int64) {
	for n := from / sectorSize; n*sectorSize < to; n++ {
		s := f.dirty[n]
		if s == nil {
			s = &sector{}
			f.dirty[n] = s
		}
		s.mark(max(0, from-n*sectorSize), min(sectorSize, to-n*sectorSize))
	}
	f.modTime = time.Now()
}

// sync makes the file durable. Its cost depends on the changed sectors, not on the length.
func (f *memFile) sync() {
	if f.spoiled {
		return
	}
	f.durable = resized(f.durable, int64(len(f.now)))
	for n := range f.dirty {
		from := min(n*sectorSize, int64(len(f.now)))
		to := min(from+sectorSize, int64(len(f.now)))
		copy(f.durable[from:to], f.now[from:to])
	}
	clear(f.dirty)
	f.shortest = int64(len(f.now))
}

// resized returns b cut to n bytes, or filled up with zeros.
func resized(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}

// resize sets the length of a file. Callers must hold mu and have
// checked the room.
func (d *disk) resize(f *memFile, size int64) {
	old := int64(len(f.now))
	f.touch(min(old, size), max(old, size))
	f.now = resized(f.now, size)
	f.shortest = min(f.shortest, size)
	d.used += size - old
}

// room returns the length, at most size, to which a file may grow. Callers must hold mu.
func (d *disk) room(f *memFile, size int64) int64 {
	old := int64(len(f.now))
	return min(size, max(old, old+d.capacity-d.used))
}

// unlink removes the name of a file, and frees its bytes if no handle is open.
func (d *disk) unlink(f *memFile) {
	f.named = false
	d.reclaim(f)
}

// reclaim frees the bytes of a file that has neither a name nor an open handle.
func (d *disk) reclaim(f *memFile) {
	if !f.named && f.handles == 0 {
		d.used -= int64(len(f.now))
	}
}

// memHandle is an open file.
type memHandle struct {
	folder   *memFolder
	file     *memFile
	name     string
	writable bool
	holder   bool // guarded by disk.mu; of the file's lock
	closed   bool // guarded by disk.mu
}

// enter locks the disk for one call.
func (h *memHandle) enter(changes bool) error {
	d := h.folder.disk
	d.mu.Lock()
	if changes {
		if err := d.change(); err != nil {
			return err
		}
	}
	switch {
	case h.closed:
		return fs.ErrClosed
	case changes && !h.writable:
		return syscall.EBADF
	}
	return d.alive()
}

func (h *memHandle) leave() { h.folder.leave() }

func (h *memHandle) wrap(op string, err error) error { return h.folder.wrap(op, h.name, err) }

func (h *memHandle) ReadAt(p []byte, off int64) (int, error) {
	defer h.leave()
	err := h.enter(false)
	if err == nil && off < 0 {
		err = fs.ErrInvalid
	}
	if err != nil {
		return 0, h.wrap("read", err)
	}
	if off >= int64(len(h.file.now)) {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	n := copy(p, h.file.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	defer h.leave()
	err := h.enter(true)
	if err == nil && off < 0 {
		err = fs.ErrInvalid
	}
	if err != nil {
		return 0, h.wrap("write", err)
	}
	n := h.write(p, off)
	if n < len(p) {
		return n, h.wrap("write", syscall.ENOSPC)
	}
	return n, nil
}

// write stores as much of p as there is room for.
func (h *memHandle) write(p []byte, off int64) int {
	d, f := h.folder.disk, h.file
	end := d.room(f, off+int64(len(p)))
	if end <= off {
		return 0
	}
	if end > int64(len(f.now)) {
		d.resize(f, end)
	}
	n := copy(f.now[off:end], p)
	f.touch(off, off+int64(n))
	return n
}

func (h *memHandle) Truncate(size int64) error {
	defer h.leave()
	err := h.enter(true)
	switch d := h.folder.disk; {
	case err != nil:
	case size < 0:
		err = fs.ErrInvalid
	case d.room(h.file, size) < size:
		err = syscall.ENOSPC
	default:
		d.resize(h.file, size)
	}
	return h.wrap("truncate", err)
}

func (h *memHandle) Sync() error {
	d := h.folder.disk
	defer h.leave()
	d.mu.Lock()
	err := d.change()
	switch {
	case err != nil:
	case h.closed:
		err = fs.ErrClosed
	default:
		h.file.sync()
	}
	return h.wrap("sync", err)
}

// spoil puts the file into the state after a failed Sync.
func (h *memHandle) spoil() {
	h.folder.disk.mu.Lock()
	defer h.leave()
	h.file.spoiled = true
}

func (h *memHandle) Size() (int64, error) {
	defer h.leave()
	if err := h.enter(false); err != nil {
		return 0, h.wrap("stat", err)
	}
	return int64(len(h.file.now)), nil
}

func (h *memHandle) Close() error {
	h.folder.disk.mu.Lock()
	defer h.leave()
	if h.closed {
		return h.wrap("close", fs.ErrClosed)
	}
	h.closed = true
	if h.holder {
		h.file.locked = false
	}
	h.file.handles--
	h.folder.disk.reclaim(h.file)
	return nil
}
