package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Modes of new files and folders: only the user (and root) can read them.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// tries limits the attempts to open a name that changes meanwhile.
const tries = 3

// errChanged means that a name was given to another file between the check and the open.
var errChanged = fmt.Errorf("%w: it was replaced again and again while it was being opened", ErrUnsafe)

// OS returns the folder dir of the real file system. A missing folder is made with
// mode 0700 whatever the umask is, and so are its missing parents. A folder that is
// there already must be a real folder of this user, closed to all others; the same holds
// for every folder and file in it. Otherwise the error wraps ErrUnsafe and names the
// remedy. Existing parents are trusted: anybody who can write to them could replace the
// whole folder anyway.
//
// On Windows there is no check of owner and mode: the access list that the folder
// inherits decides.
func OS(dir string) (FS, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	return openFolder(host{}, dir, dir)
}

// place looks up and creates folders: an *os.Root, or host.
type place interface {
	Lstat(name string) (fs.FileInfo, error)
	Mkdir(name string, perm fs.FileMode) error
	Chmod(name string, mode fs.FileMode) error
	OpenRoot(name string) (*os.Root, error)
}

// host is the whole file system of this computer.
type host struct{}

func (host) Lstat(name string) (fs.FileInfo, error)    { return os.Lstat(name) }
func (host) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }
func (host) Chmod(name string, mode fs.FileMode) error { return os.Chmod(name, mode) }
func (host) OpenRoot(name string) (*os.Root, error)    { return os.OpenRoot(name) }

// makeParents creates dir and its missing parents, each durably: the caller has no handle
// of the folders that hold their names, so it could not sync them.
func makeParents(dir string) error {
	switch _, err := os.Stat(dir); { //nolint:gosec // the user says where the spool is, and its parents are trusted
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	return makeFolder(host{}, dir)
}

// makeFolder creates a folder that only this user can enter. It returns nil if the folder
// exists.
func makeFolder(at place, name string) error {
	switch err := at.Mkdir(name, folderMode); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	if err := ownerMode(at, name); err != nil {
		return err
	}
	if at == (host{}) {
		return syncParent(name)
	}
	return nil
}

// openFolder opens the folder name of at, which it makes if it is missing. path is
// its full path, for errors.
func openFolder(at place, name, path string) (*osFolder, error) {
	root, err := openRoot(at, name)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return &osFolder{root: root, path: path}, nil
}

// openRoot checks the folder, opens it and compares both: a link that was planted between the
// two steps is recognised.
func openRoot(at place, name string) (*os.Root, error) {
	for range tries {
		info, err := at.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			if err := makeFolder(at, name); err != nil {
				return nil, err
			}
			info, err = at.Lstat(name)
		}
		if err != nil {
			return nil, err
		}
		if err := checkFolder(info); err != nil {
			return nil, err
		}
		root, err := at.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		opened, err := root.Stat(".")
		if err == nil && os.SameFile(info, opened) {
			return root, nil
		}
		discard(root)
		if err != nil {
			return nil, err
		}
	}
	return nil, errChanged
}

// osFolder is a folder of the real file system. os.Root keeps every access inside;
// because it follows links that stay inside, each open looks at the name as well.
type osFolder struct {
	root *os.Root
	path string
}

func (d *osFolder) OpenFile(name string, flag int) (File, error) {
	f, err := d.open(name, flag)
	if err != nil {
		return nil, d.wrap("open", name, err)
	}
	return osFile{f}, nil
}

// open never creates or truncates through a name that it has not looked at: a planted
// link would let it destroy a file elsewhere.
func (d *osFolder) open(name string, flag int) (*os.File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	for range tries {
		f, err := d.openExisting(name, flag)
		if flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist) {
			if !errors.Is(err, errChanged) {
				return f, err
			}
			continue
		}
		if f, err = d.create(name, flag); !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, errChanged
}

// create creates a new file. O_EXCL refuses a link that was planted meanwhile.
func (d *osFolder) create(name string, flag int) (*os.File, error) {
	f, err := d.root.OpenFile(name, access(flag)|os.O_CREATE|os.O_EXCL|openFlags, fileMode)
	if err != nil {
		return nil, err
	}
	if err := setFileMode(f); err != nil {
		discard(f)
		_ = d.root.Remove(name)
		return nil, err
	}
	return f, nil
}

// openExisting opens a file that is there. It truncates only through the open handle, after
// the check that it is the file that was looked at.
func (d *osFolder) openExisting(name string, flag int) (*os.File, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, unsafeKind(info, "a regular file")
	}
	if flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0 {
		return nil, fs.ErrExist
	}
	f, err := d.root.OpenFile(name, access(flag)|openFlags, 0)
	if err != nil {
		return nil, err
	}
	err = checkOpened(f, info)
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		discard(f)
		return nil, err
	}
	return f, nil
}

// discard closes c and ignores the error: the caller reports the error that led here.
func discard(c io.Closer) { _ = c.Close() }

// checkOpened returns an error unless f is the file that was checked before, and private.
func checkOpened(f *os.File, looked fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(looked, info) {
		return errChanged
	}
	return checkFile(f, info)
}

// access returns the part of the flags that selects reading or writing.
func access(flag int) int { return flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) }

func (d *osFolder) Remove(name string) error {
	err := checkName(name)
	if err == nil {
		err = d.root.Remove(name)
	}
	return d.wrap("remove", name, err)
}

func (d *osFolder) Rename(from, to string) error {
	err := errors.Join(checkName(from), checkName(to))
	if err == nil {
		err = d.root.Rename(from, to)
	}
	return d.wrap("rename", from, err)
}

func (d *osFolder) ReadDir() ([]Info, error) {
	infos, err := d.readDir()
	return infos, d.wrap("readdir", "", err)
}

// readDir lists the folder. Names that vanish during the listing are left out.
func (d *osFolder) readDir() ([]Info, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	entries, err := dir.ReadDir(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, infoOf(info))
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

func infoOf(info fs.FileInfo) Info {
	i := Info{
		Name: info.Name(), Size: info.Size(), ModTime: info.ModTime(),
		Dir: info.IsDir(), Regular: info.Mode().IsRegular(),
	}
	if i.Dir {
		i.Size = 0
	}
	return i
}

func (d *osFolder) Sync() error { return d.wrap("sync", "", syncFolder(d.root)) }

func (d *osFolder) Folder(name string) (FS, error) {
	if err := checkName(name); err != nil {
		return nil, d.wrap("open", name, err)
	}
	sub, err := openFolder(d.root, name, filepath.Join(d.path, name))
	if err != nil {
		return nil, err // not a nil *osFolder in an interface
	}
	return sub, nil
}

// Lock takes the lock that ends with the open file, so that a killed process leaves
// none behind. The file stays: whoever removed it could let two in.
func (d *osFolder) Lock(name string) (io.Closer, error) {
	f, err := d.open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, d.wrap("lock", name, err)
	}
	if err := lock(f); err != nil {
		discard(f)
		return nil, d.wrap("lock", name, err)
	}
	writeHint(f)
	return f, nil
}

// writeHint writes the process id for people and for inspections. Nothing depends on it, so
// a full disk must not keep the lock from being taken.
func writeHint(f *os.File) {
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

func (d *osFolder) Free() (int64, error) {
	n, err := free(d.root)
	return n, d.wrap("statfs", "", err)
}

func (d *osFolder) Close() error { return d.wrap("close", "", d.root.Close()) }

// wrap adds the operation and the full path to an error; nil stays nil.
func (d *osFolder) wrap(op, name string, err error) error {
	return pathError(op, filepath.Join(d.path, name), err)
}

// pathError puts op and the full path in place of the prefix that the os package put before the
// cause: its paths are relative to the folder.
func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var link *os.LinkError
	var inner *fs.PathError
	switch {
	case errors.As(err, &inner):
		err = inner.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: portable(err)}
}

// checkName returns an error unless name is a single path element on every system.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\:\x00") {
		return fmt.Errorf("%w: the name of a file or folder must be a single path element", fs.ErrInvalid)
	}
	return nil
}

// unsafeKind returns the error for a name of the wrong type.
func unsafeKind(info fs.FileInfo, want string) error {
	return unsafe("it is %s, not %s; remove it", kindOf(info.Mode()), want)
}

// unsafe returns an error that wraps ErrUnsafe. The text must name the remedy.
func unsafe(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsafe}, args...)...)
}

// kindOf names the type of a file, for errors.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
