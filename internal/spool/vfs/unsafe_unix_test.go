//go:build unix

package vfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user that neither runs the tests nor is root.
const nobody = 65534

// plants put something at path that the spool did not make. outside is a folder
// elsewhere, with a file named secret in it.
var plants = map[string]struct {
	plant func(path, outside string) error
	root  bool // only root can
}{
	"link to a file":            {plant: func(p, out string) error { return os.Symlink(filepath.Join(out, "secret"), p) }},
	"link to nothing":           {plant: func(p, out string) error { return os.Symlink(filepath.Join(out, "none"), p) }},
	"link to a folder":          {plant: func(p, out string) error { return os.Symlink(out, p) }},
	"link to a file beside it":  {plant: func(p, _ string) error { return os.Symlink("neighbour", p) }},
	"link to nothing beside it": {plant: func(p, _ string) error { return os.Symlink("none", p) }},
	"hard link":                 {plant: func(p, out string) error { return os.Link(filepath.Join(out, "secret"), p) }},
	"FIFO":                      {plant: func(p, _ string) error { return unix.Mkfifo(p, 0o600) }},
	"socket":                    {plant: plantSocket},
	"folder":                    {plant: func(p, _ string) error { return os.Mkdir(p, 0o700) }},
	"file of mode 0666":         {plant: func(p, _ string) error { return plantFile(p, 0o666) }},
	"file of mode 0640":         {plant: func(p, _ string) error { return plantFile(p, 0o640) }},
	"file of another user": {root: true, plant: func(p, _ string) error {
		if err := plantFile(p, 0o600); err != nil {
			return err
		}
		return os.Chown(p, nobody, nobody)
	}},
}

func plantFile(path string, mode os.FileMode) error {
	if err := os.WriteFile(path, []byte("planted"), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func plantSocket(path, _ string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// A socket's path is at most 107 bytes long, and that of a test's folder is more.
	old, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(filepath.Dir(path)); err != nil {
		return err
	}
	defer os.Chdir(old)
	return unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Base(path)})
}

// TestPlantedFiles (S4): whatever stands at a name where the spool keeps a file is
// refused, by each way of opening it, and nothing outside is changed or made.
func TestPlantedFiles(t *testing.T) {
	for what, p := range plants {
		for _, name := range []string{"LOCK", "cursor", "00000000000000000001.seg", "0123456789abcdef0123456789abcdef"} {
			t.Run(what+"/"+name, func(t *testing.T) {
				if p.root && os.Geteuid() != 0 {
					t.Skip("only root can give a file to another user")
				}
				dir, outside := spoolAndOutside(t)
				f := openOS(t, dir)
				put(t, f, "neighbour", []byte("neighbour"))
				noError(t, p.plant(filepath.Join(dir, name), outside))
				before := names(t, f)

				for _, flag := range []int{os.O_RDONLY, os.O_RDWR, rw, rw | os.O_TRUNC} {
					_, err := f.OpenFile(name, flag)
					wantError(t, err, ErrUnsafe)
				}
				_, err := f.Lock(name)
				wantError(t, err, ErrUnsafe)
				if file, err := f.OpenFile(name, rw|os.O_EXCL); err == nil {
					file.Close()
					t.Error("it was opened as a new file")
				}
				wantUntouched(t, outside)
				wantContent(t, f, "neighbour", []byte("neighbour"))
				if after := names(t, f); !slices.Equal(before, after) {
					t.Errorf("names were %q and are %q", before, after)
				}
			})
		}
	}
}

// TestPlantedFolders (S4) does the same for the folder of the spool, given by path,
// and for one in it.
func TestPlantedFolders(t *testing.T) {
	folders := map[string]struct {
		plant func(path, outside string) error
		root  bool
	}{
		"link to a folder":           {plant: func(p, out string) error { return os.Symlink(out, p) }},
		"link to a folder beside it": {plant: func(p, _ string) error { return os.Symlink("neighbour", p) }},
		"link to nothing":            {plant: func(p, out string) error { return os.Symlink(filepath.Join(out, "none"), p) }},
		"file":                       {plant: func(p, _ string) error { return plantFile(p, 0o600) }},
		"FIFO":                       {plant: func(p, _ string) error { return unix.Mkfifo(p, 0o600) }},
		"folder of mode 0777":        {plant: func(p, _ string) error { return plantFolder(p, 0o777) }},
		"folder of mode 0750":        {plant: func(p, _ string) error { return plantFolder(p, 0o750) }},
		"folder of mode 0701":        {plant: func(p, _ string) error { return plantFolder(p, 0o701) }},
		"folder of another user": {root: true, plant: func(p, _ string) error {
			if err := plantFolder(p, 0o700); err != nil {
				return err
			}
			return os.Chown(p, nobody, nobody)
		}},
	}
	opens := map[string]func(t *testing.T, dir string) (FS, error){
		"given":  func(_ *testing.T, dir string) (FS, error) { return OS(filepath.Join(dir, "uploads")) },
		"slash":  func(_ *testing.T, dir string) (FS, error) { return OS(filepath.Join(dir, "uploads") + "/") },
		"inside": func(t *testing.T, dir string) (FS, error) { return openOS(t, dir).Folder("uploads") },
	}
	for what, p := range folders {
		for how, open := range opens {
			t.Run(what+"/"+how, func(t *testing.T) {
				if p.root && os.Geteuid() != 0 {
					t.Skip("only root can give a folder to another user")
				}
				dir, outside := spoolAndOutside(t)
				noError(t, os.MkdirAll(filepath.Join(dir, "neighbour"), 0o700))
				noError(t, p.plant(filepath.Join(dir, "uploads"), outside))
				_, err := open(t, dir)
				wantError(t, err, ErrUnsafe)
				if !strings.Contains(err.Error(), "uploads") {
					t.Errorf("error %v does not say where", err)
				}
				wantUntouched(t, outside)
			})
		}
	}
}

// TestOpenOwnFolder: what an earlier run made is opened again, and the parents may be
// as open as they are.
func TestOpenOwnFolder(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "wide")
	noError(t, os.Mkdir(parent, 0o700))
	noError(t, os.Chmod(parent, 0o777))
	dir := filepath.Join(parent, "a", "b")
	put(t, openOS(t, dir), "x", []byte("abc"))
	wantContent(t, openOS(t, dir), "x", []byte("abc"))
	info, err := os.Stat(parent)
	noError(t, err)
	if info.Mode().Perm() != 0o777 {
		t.Errorf("a parent that was there has mode %v now", info.Mode())
	}
}

// TestModes (S4): serial, because the umask is the process's.
func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		top := t.TempDir()
		old := syscall.Umask(umask)
		f, err := OS(filepath.Join(top, "a", "b", "spool"))
		if err == nil {
			err = makeOneOfEach(f)
		}
		syscall.Umask(old)
		noError(t, err)
		noError(t, f.Close())
		want := map[string]os.FileMode{
			"a": 0o700, "a/b": 0o700, "a/b/spool": 0o700, "a/b/spool/sub": 0o700,
			"a/b/spool/file": 0o600, "a/b/spool/LOCK": 0o600, "a/b/spool/sub/excl": 0o600,
		}
		for name, mode := range want {
			info, err := os.Stat(filepath.Join(top, name))
			noError(t, err)
			if info.Mode().Perm() != mode {
				t.Errorf("umask %04o: %s has mode %04o, want %04o", umask, name, info.Mode().Perm(), mode)
			}
		}
	}
}

func makeOneOfEach(f FS) error {
	sub, err := f.Folder("sub")
	if err != nil {
		return err
	}
	file, err := f.OpenFile("file", rw)
	if err != nil {
		return err
	}
	defer file.Close()
	excl, err := sub.OpenFile("excl", rw|os.O_EXCL)
	if err != nil {
		return err
	}
	defer excl.Close()
	defer sub.Close()
	return lockOnce(f)
}

func plantFolder(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// spoolAndOutside makes a private folder, and another one with a secret in it.
func spoolAndOutside(t *testing.T) (dir, outside string) {
	t.Helper()
	top := t.TempDir()
	dir, outside = filepath.Join(top, "spool"), filepath.Join(top, "outside")
	noError(t, os.Mkdir(dir, 0o700))
	noError(t, os.Mkdir(outside, 0o700))
	noError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	return dir, outside
}

func wantUntouched(t *testing.T, outside string) {
	t.Helper()
	entries, err := os.ReadDir(outside)
	noError(t, err)
	if len(entries) != 1 {
		t.Errorf("something was made outside: %v", entries)
	}
	b, err := os.ReadFile(filepath.Join(outside, "secret"))
	noError(t, err)
	if string(b) != "secret" {
		t.Errorf("the file outside has %q", b)
	}
}
