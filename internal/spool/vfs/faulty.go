package vfs

import (
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
)

// Op is a kind of call that a Faulty can make fail.
type Op uint8

// The calls of FS and File. OpMkdir is FS.Folder, OpSync is File.Sync and OpSyncDir is
// FS.Sync.
const (
	OpOpen Op = iota
	OpRead
	OpWrite
	OpTruncate
	OpSync
	OpRename
	OpRemove
	OpMkdir
	OpSyncDir
	OpReadDir
	OpLock
)

var opNames = [...]string{
	OpOpen: "open", OpRead: "read", OpWrite: "write", OpTruncate: "truncate", OpSync: "sync",
	OpRename: "rename", OpRemove: "remove", OpMkdir: "mkdir", OpSyncDir: "syncdir",
	OpReadDir: "readdir", OpLock: "lock",
}

// String returns the kind in lower case, such as "syncdir".
func (op Op) String() string { return opNames[op] }

// Faulty is a folder whose calls fail when a rule says so. It is for tests. Make one
// with NewFaulty.
//
// A failing write stores the first half of its bytes; a failing Sync of a file in a
// Mem keeps all later ones from making anything durable, as Linux may; other failing
// calls do nothing.
type Faulty struct {
	fs    FS
	path  string
	rule  func(op Op, name string, n int) error
	calls *atomic.Int64 // that change something, in all folders together
}

// NewFaulty returns fs with the faults that fail chooses. fail is called before each
// call, concurrently. An error that it returns becomes the call's error, in an
// *fs.PathError. name is the path below fs, "." for fs itself; for a rename the old
// one. n numbers the calls that change something, from 1 and over all folders; it is 0
// for one that does not: OpRead, OpReadDir, and OpOpen without O_CREATE and O_TRUNC.
func NewFaulty(fs FS, fail func(op Op, name string, n int) error) *Faulty {
	return &Faulty{fs: fs, path: ".", rule: fail, calls: new(atomic.Int64)}
}

// change asks the rule about a call that changes the disk; look asks about one that does not.
func (f *Faulty) change(op Op, name string) error { return f.ask(op, name, int(f.calls.Add(1))) }
func (f *Faulty) look(op Op, name string) error   { return f.ask(op, name, 0) }

// ask returns the error of the rule for a call, nil if the call may proceed.
func (f *Faulty) ask(op Op, name string, n int) error {
	name = path.Join(f.path, name)
	if err := f.rule(op, name, n); err != nil {
		return &fs.PathError{Op: op.String(), Path: name, Err: err}
	}
	return nil
}

// OpenFile implements FS.
func (f *Faulty) OpenFile(name string, flag int) (File, error) {
	ask := f.look
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		ask = f.change
	}
	if err := ask(OpOpen, name); err != nil {
		return nil, err
	}
	file, err := f.fs.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, folder: f, name: name}, nil
}

// Remove implements FS.
func (f *Faulty) Remove(name string) error {
	if err := f.change(OpRemove, name); err != nil {
		return err
	}
	return f.fs.Remove(name)
}

// Rename implements FS.
func (f *Faulty) Rename(from, to string) error {
	if err := f.change(OpRename, from); err != nil {
		return err
	}
	return f.fs.Rename(from, to)
}

// ReadDir implements FS.
func (f *Faulty) ReadDir() ([]Info, error) {
	if err := f.look(OpReadDir, ""); err != nil {
		return nil, err
	}
	return f.fs.ReadDir()
}

// Sync implements FS.
func (f *Faulty) Sync() error {
	if err := f.change(OpSyncDir, ""); err != nil {
		return err
	}
	return f.fs.Sync()
}

// Folder implements FS. The rule holds for the folder as well.
func (f *Faulty) Folder(name string) (FS, error) {
	if err := f.change(OpMkdir, name); err != nil {
		return nil, err
	}
	sub, err := f.fs.Folder(name)
	if err != nil {
		return nil, err
	}
	return &Faulty{fs: sub, path: path.Join(f.path, name), rule: f.rule, calls: f.calls}, nil
}

// Lock implements FS.
func (f *Faulty) Lock(name string) (io.Closer, error) {
	if err := f.change(OpLock, name); err != nil {
		return nil, err
	}
	return f.fs.Lock(name)
}

// Free implements FS. It does not fail.
func (f *Faulty) Free() (int64, error) { return f.fs.Free() }

// Close implements FS. It does not fail.
func (f *Faulty) Close() error { return f.fs.Close() }

// faultyFile is a file of a Faulty.
type faultyFile struct {
	File
	folder *Faulty
	name   string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.folder.look(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// WriteAt stores half of p when it fails, because a real write may fail halfway: callers must
// not rely on all or nothing.
func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	fault := f.folder.change(OpWrite, f.name)
	if fault == nil {
		return f.File.WriteAt(p, off)
	}
	n, err := f.File.WriteAt(p[:len(p)/2], off)
	if err != nil {
		return n, err
	}
	return n, fault
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.folder.change(OpTruncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Sync spoils a file of a Mem when it fails, as Linux does: it marks the unwritten pages
// clean, so that a repeated fsync succeeds and proves nothing.
func (f *faultyFile) Sync() error {
	if err := f.folder.change(OpSync, f.name); err != nil {
		if m, ok := f.File.(*memHandle); ok {
			m.spoil()
		}
		return err
	}
	return f.File.Sync()
}
