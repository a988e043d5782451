package vfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memCapacity is the size of a new Mem: more than any test writes.
const memCapacity = 1 << 50

// ErrPowerLost is returned by every call on a Mem that CrashAt has stopped.
var ErrPowerLost = errors.New("vfs: the power is lost")

// Mem is a disk in memory that tracks which of its bytes and names are durable, and the FS
// of its top folder. Crash returns the disk that a power loss would leave. It is for tests. Make one
// with NewMem. Closing the top folder does nothing: like a folder of a real disk it
// can be opened again, by using it.
type Mem struct {
	memFolder
}

// NewMem returns an empty disk of 1 PiB.
func NewMem() *Mem {
	d := &disk{capacity: memCapacity, top: newMemDir()}
	return &Mem{memFolder{disk: d, dir: d.top}}
}

// Close does nothing.
func (*Mem) Close() error { return nil }

// SetCapacity sets the size of the disk in bytes. Only the content of files counts. A
// write above it stores the bytes that fit and fails with syscall.ENOSPC. Existing content
// stays even if it is larger.
func (m *Mem) SetCapacity(n int64) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.capacity = n
}

// CrashAt stops the disk before the changing call number op, counted from 1 since the disk
// was made. That call and all later ones return ErrPowerLost and do nothing, until Crash
// makes a new disk. Zero, the default, means never.
func (m *Mem) CrashAt(op int) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.stopAt = op
}

// Ops returns the number of changing calls so far, Sync included. A call that fails counts,
// unless it failed because of lost power.
func (m *Mem) Ops() int {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	return m.disk.ops
}

// disk is shared by all folders and files of a Mem. mu guards everything reachable from
// here, so that each call is atomic and Crash never sees half of one.
type disk struct {
	mu       sync.Mutex
	top      *memDir // immutable
	capacity int64   // guarded by mu
	used     int64   // guarded by mu; bytes of all files with a name or an open handle
	ops      int     // guarded by mu
	stopAt   int     // guarded by mu; 0 means never
	dead     bool    // guarded by mu; the power is lost
}

// change counts one changing call. Callers must hold mu.
func (d *disk) change() error {
	d.ops++
	if d.stopAt > 0 && d.ops >= d.stopAt {
		d.dead = true
	}
	return d.alive()
}

// alive returns ErrPowerLost once the disk has stopped. Callers must hold mu.
func (d *disk) alive() error {
	if d.dead {
		return ErrPowerLost
	}
	return nil
}

// node is a *memDir or a *memFile.
type node interface {
	info(name string) Info
}

// memDir is a folder of the disk. All fields are guarded by disk.mu.
type memDir struct {
	now     map[string]node
	durable map[string]node // at the last Sync
	pending []dirChange     // since then; applied to durable they give now
	modTime time.Time
}

func newMemDir() *memDir {
	return &memDir{now: map[string]node{}, durable: map[string]node{}, modTime: time.Now()}
}

func (d *memDir) info(name string) Info { return Info{Name: name, Dir: true, ModTime: d.modTime} }

// dirChange takes a name away, gives one, or does both in one step.
type dirChange struct {
	from string // "" for a new name
	to   string // "" for a removed one
	node node   // the target of to
}

// apply makes the change in a set of names.
func (c dirChange) apply(names map[string]node) {
	if c.from != "" {
		delete(names, c.from)
	}
	if c.to != "" {
		names[c.to] = c.node
	}
}

// do makes a change that is not durable before the next Sync.
func (d *memDir) do(c dirChange) {
	c.apply(d.now)
	d.pending = append(d.pending, c)
	d.modTime = time.Now()
}

// memFolder is a handle of a folder.
type memFolder struct {
	disk   *disk
	dir    *memDir
	path   string
	closed bool // guarded by disk.mu
}

// enter locks the disk for one call, even if it returns an error: callers defer leave. changes
// is true if the call counts as changing.
func (f *memFolder) enter(changes bool, names ...string) error {
	f.disk.mu.Lock()
	if changes {
		if err := f.disk.change(); err != nil {
			return err
		}
	}
	if f.closed {
		return fs.ErrClosed
	}
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return f.disk.alive()
}

func (f *memFolder) leave() { f.disk.mu.Unlock() }

func (f *memFolder) wrap(op, name string, err error) error {
	return pathError(op, strings.TrimPrefix(f.path+"/"+name, "/"), err)
}

func (f *memFolder) OpenFile(name string, flag int) (File, error) {
	defer f.leave()
	err := f.enter(flag&(os.O_CREATE|os.O_TRUNC) != 0, name)
	var file *memFile
	if err == nil {
		file, err = f.find(name, flag)
	}
	if err != nil {
		return nil, f.wrap("open", name, err)
	}
	if flag&os.O_TRUNC != 0 {
		f.disk.resize(file, 0)
	}
	file.handles++
	return &memHandle{folder: f, file: file, name: name, writable: access(flag) != os.O_RDONLY}, nil
}

// find returns the file name, which it makes if flag says so. Callers must hold mu.
func (f *memFolder) find(name string, flag int) (*memFile, error) {
	switch n := f.dir.now[name].(type) {
	case *memDir:
		return nil, unsafe("it is a folder, not a regular file; remove it")
	case *memFile:
		if flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0 {
			return nil, fs.ErrExist
		}
		return n, nil
	}
	if flag&os.O_CREATE == 0 {
		return nil, fs.ErrNotExist
	}
	file := &memFile{dirty: map[int64]*sector{}, modTime: time.Now(), named: true}
	f.dir.do(dirChange{to: name, node: file})
	return file, nil
}

func (f *memFolder) Remove(name string) error {
	defer f.leave()
	err := f.enter(true, name)
	if err == nil {
		err = f.remove(name)
	}
	return f.wrap("remove", name, err)
}

// remove removes a name. Open handles of the file stay usable, as on a real disk. Callers must
// hold mu.
func (f *memFolder) remove(name string) error {
	switch n := f.dir.now[name].(type) {
	case nil:
		return fs.ErrNotExist
	case *memDir:
		if len(n.now) > 0 {
			return syscall.ENOTEMPTY
		}
	case *memFile:
		f.disk.unlink(n)
	}
	f.dir.do(dirChange{from: name})
	return nil
}

func (f *memFolder) Rename(from, to string) error {
	defer f.leave()
	err := f.enter(true, from, to)
	if err == nil {
		err = f.rename(from, to)
	}
	return f.wrap("rename", from, err)
}

// rename renames a file in one step, so that a crash leaves either name, never none. Callers
// must hold mu.
func (f *memFolder) rename(from, to string) error {
	var file *memFile
	switch n := f.dir.now[from].(type) {
	case nil:
		return fs.ErrNotExist
	case *memDir:
		return syscall.EISDIR
	case *memFile:
		file = n
	}
	switch old := f.dir.now[to].(type) {
	case *memDir:
		return syscall.EISDIR
	case *memFile:
		if old == file {
			return nil
		}
		f.disk.unlink(old)
	}
	f.dir.do(dirChange{from: from, to: to, node: file})
	return nil
}

func (f *memFolder) ReadDir() ([]Info, error) {
	defer f.leave()
	if err := f.enter(false); err != nil {
		return nil, f.wrap("readdir", "", err)
	}
	infos := make([]Info, 0, len(f.dir.now))
	for _, name := range slices.Sorted(maps.Keys(f.dir.now)) {
		infos = append(infos, f.dir.now[name].info(name))
	}
	return infos, nil
}

func (f *memFolder) Sync() error {
	defer f.leave()
	if err := f.enter(true); err != nil {
		return f.wrap("sync", "", err)
	}
	f.dir.durable = maps.Clone(f.dir.now)
	f.dir.pending = nil
	return nil
}

func (f *memFolder) Folder(name string) (FS, error) {
	defer f.leave()
	if err := f.enter(false, name); err != nil {
		return nil, f.wrap("open", name, err)
	}
	dir, err := f.folder(name)
	if err != nil {
		return nil, f.wrap("open", name, err)
	}
	return &memFolder{disk: f.disk, dir: dir, path: strings.TrimPrefix(f.path+"/"+name, "/")}, nil
}

// folder finds or creates a folder. Only a creation counts as a change. Callers must hold mu.
func (f *memFolder) folder(name string) (*memDir, error) {
	switch n := f.dir.now[name].(type) {
	case *memDir:
		return n, nil
	case *memFile:
		return nil, unsafe("it is a regular file, not a folder; remove it")
	}
	if err := f.disk.change(); err != nil {
		return nil, err
	}
	dir := newMemDir()
	f.dir.do(dirChange{to: name, node: dir})
	return dir, nil
}

// Lock marks the file as locked. The lock is of the handle, as with flock: a second handle of
// the same process is refused too.
func (f *memFolder) Lock(name string) (io.Closer, error) {
	file, err := f.OpenFile(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	h := file.(*memHandle)
	f.disk.mu.Lock()
	busy := h.file.locked
	h.file.locked, h.holder = true, !busy
	f.disk.mu.Unlock()
	if busy {
		discard(h)
		return nil, f.wrap("lock", name, ErrLocked)
	}
	return h, nil
}

func (f *memFolder) Free() (int64, error) {
	defer f.leave()
	if err := f.enter(false); err != nil {
		return 0, f.wrap("statfs", "", err)
	}
	return max(0, f.disk.capacity-f.disk.used), nil
}

func (f *memFolder) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.closed = true
	return nil
}
