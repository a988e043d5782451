package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// implementations make an empty folder of each kind.
var implementations = map[string]func(t *testing.T) FS{
	"OS":  func(t *testing.T) FS { return openOS(t, filepath.Join(t.TempDir(), "spool")) },
	"Mem": func(*testing.T) FS { return NewMem() },
	"Faulty": func(*testing.T) FS {
		return NewFaulty(NewMem(), func(Op, string, int) error { return nil })
	},
}

const rw = os.O_RDWR | os.O_CREATE

// TestConformance runs one table over every implementation: what the spool may rely on.
func TestConformance(t *testing.T) {
	cases := map[string]func(t *testing.T, f FS){
		"read what was written":         testReadWrite,
		"read at the end":               testReadAtEnd,
		"write past the end":            testWritePastEnd,
		"truncate":                      testTruncate,
		"open flags":                    testOpenFlags,
		"read-only handle":              testReadOnly,
		"remove":                        testRemove,
		"rename replaces":               testRename,
		"list":                          testList,
		"folders":                       testFolders,
		"kinds are not mixed up":        testKinds,
		"names are single elements":     testNames,
		"lock":                          testLock,
		"free":                          testFree,
		"closed":                        testClosed,
		"concurrent writes to one file": testConcurrent,
	}
	for impl, open := range implementations {
		for name, test := range cases {
			t.Run(impl+"/"+name, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

func testReadWrite(t *testing.T, f FS) {
	want := bytes.Repeat([]byte("0123456789"), 1000)
	file := create(t, f, "a", rw)
	write(t, file, want[5000:], 5000)
	write(t, file, want[:5000], 0)
	noError(t, file.Sync())
	noError(t, file.Close())
	noError(t, f.Sync())
	wantContent(t, f, "a", want)
}

func testReadAtEnd(t *testing.T, f FS) {
	file := create(t, f, "a", rw)
	write(t, file, []byte("abc"), 0)
	p := make([]byte, 8)
	if n, err := file.ReadAt(p, 1); n != 2 || !errors.Is(err, io.EOF) || string(p[:n]) != "bc" {
		t.Fatalf("ReadAt over the end = %q, %v", p[:n], err)
	}
	if n, err := file.ReadAt(p, 3); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("ReadAt at the end = %d, %v", n, err)
	}
	if n, err := file.ReadAt(p[:3], 0); n != 3 || err != nil {
		t.Fatalf("ReadAt up to the end = %d, %v", n, err)
	}
}

func testWritePastEnd(t *testing.T, f FS) {
	file := create(t, f, "a", rw)
	write(t, file, []byte("x"), 1500)
	want := make([]byte, 1501)
	want[1500] = 'x'
	wantContent(t, f, "a", want)
}

func testTruncate(t *testing.T, f FS) {
	file := create(t, f, "a", rw)
	write(t, file, []byte("abcdef"), 0)
	noError(t, file.Truncate(2))
	wantContent(t, f, "a", []byte("ab"))
	noError(t, file.Truncate(4))
	wantContent(t, f, "a", []byte("ab\x00\x00"))
	if size, err := file.Size(); size != 4 || err != nil {
		t.Fatalf("Size = %d, %v; want 4", size, err)
	}
}

func testOpenFlags(t *testing.T, f FS) {
	_, err := f.OpenFile("a", os.O_RDWR)
	wantError(t, err, fs.ErrNotExist)
	put(t, f, "a", []byte("abc"))
	_, err = f.OpenFile("a", rw|os.O_EXCL)
	wantError(t, err, fs.ErrExist)
	noError(t, create(t, f, "a", rw).Close())
	wantContent(t, f, "a", []byte("abc"))
	noError(t, create(t, f, "a", os.O_RDWR|os.O_TRUNC).Close())
	wantContent(t, f, "a", []byte{})
	create(t, f, "b", rw|os.O_EXCL)
}

func testReadOnly(t *testing.T, f FS) {
	put(t, f, "a", []byte("abc"))
	file := create(t, f, "a", os.O_RDONLY)
	if _, err := file.WriteAt([]byte("x"), 0); err == nil {
		t.Fatal("a read-only handle was written to")
	}
	wantContent(t, f, "a", []byte("abc"))
}

func testRemove(t *testing.T, f FS) {
	wantError(t, f.Remove("a"), fs.ErrNotExist)
	file := create(t, f, "a", rw)
	noError(t, file.Close())
	noError(t, f.Remove("a"))
	_, err := f.OpenFile("a", os.O_RDONLY)
	wantError(t, err, fs.ErrNotExist)

	sub, err := f.Folder("sub")
	noError(t, err)
	put(t, sub, "x", nil)
	if err := f.Remove("sub"); err == nil {
		t.Fatal("a folder with a file in it was removed")
	}
	noError(t, sub.Remove("x"))
	noError(t, sub.Close())
	noError(t, f.Remove("sub"))
	if got := names(t, f); len(got) != 0 {
		t.Fatalf("left behind: %q", got)
	}
}

func testRename(t *testing.T, f FS) {
	wantError(t, f.Rename("a", "b"), fs.ErrNotExist)
	put(t, f, "a", []byte("new"))
	put(t, f, "b", []byte("old"))
	noError(t, f.Rename("a", "b"))
	wantContent(t, f, "b", []byte("new"))
	noError(t, f.Rename("b", "b"))
	if diff := cmp.Diff([]string{"b"}, names(t, f)); diff != "" {
		t.Fatal(diff)
	}
}

func testList(t *testing.T, f FS) {
	put(t, f, "c", []byte("abc"))
	put(t, f, "a", nil)
	sub, err := f.Folder("b")
	noError(t, err)
	noError(t, sub.Close())
	got, err := f.ReadDir()
	noError(t, err)
	want := []Info{{Name: "a", Regular: true}, {Name: "b", Dir: true}, {Name: "c", Size: 3, Regular: true}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Info{}, "ModTime")); diff != "" {
		t.Fatal(diff)
	}
	if slices.ContainsFunc(got, func(i Info) bool { return i.ModTime.IsZero() }) {
		t.Fatalf("a time is missing: %v", got)
	}
}

func testFolders(t *testing.T, f FS) {
	one, err := f.Folder("sub")
	noError(t, err)
	put(t, one, "a", []byte("abc"))
	noError(t, one.Sync())
	two, err := f.Folder("sub")
	noError(t, err)
	wantContent(t, two, "a", []byte("abc"))
	noError(t, one.Close())
	wantContent(t, two, "a", []byte("abc"))
	noError(t, two.Close())
	if diff := cmp.Diff([]string{"sub"}, names(t, f)); diff != "" {
		t.Fatal(diff)
	}
}

func testKinds(t *testing.T, f FS) {
	put(t, f, "file", nil)
	sub, err := f.Folder("folder")
	noError(t, err)
	noError(t, sub.Close())
	_, err = f.Folder("file")
	wantError(t, err, ErrUnsafe)
	_, err = f.OpenFile("folder", rw)
	wantError(t, err, ErrUnsafe)
	_, err = f.Lock("folder")
	wantError(t, err, ErrUnsafe)
}

func testNames(t *testing.T, f FS) {
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "/a", "a/", "../a", "a\x00", "c:a"} {
		_, err := f.OpenFile(name, rw)
		wantError(t, err, fs.ErrInvalid)
		_, err = f.Folder(name)
		wantError(t, err, fs.ErrInvalid)
		_, err = f.Lock(name)
		wantError(t, err, fs.ErrInvalid)
		wantError(t, f.Remove(name), fs.ErrInvalid)
		wantError(t, f.Rename(name, "x"), fs.ErrInvalid)
		wantError(t, f.Rename("x", name), fs.ErrInvalid)
	}
	if got := names(t, f); len(got) != 0 {
		t.Fatalf("made: %q", got)
	}
}

func testLock(t *testing.T, f FS) {
	held, err := f.Lock("LOCK")
	noError(t, err)
	_, err = f.Lock("LOCK")
	wantError(t, err, ErrLocked)
	other, err := f.Lock("OTHER")
	noError(t, err)
	noError(t, held.Close())
	again, err := f.Lock("LOCK")
	noError(t, err)
	noError(t, again.Close())
	noError(t, other.Close())
	if diff := cmp.Diff([]string{"LOCK", "OTHER"}, names(t, f)); diff != "" {
		t.Fatal(diff)
	}
}

func testFree(t *testing.T, f FS) {
	if n, err := f.Free(); n <= 0 || err != nil {
		t.Fatalf("Free = %d, %v", n, err)
	}
}

func testClosed(t *testing.T, f FS) {
	file := create(t, f, "a", rw)
	noError(t, file.Close())
	_, err := file.WriteAt([]byte("x"), 0)
	wantError(t, err, fs.ErrClosed)
	_, err = file.ReadAt(make([]byte, 1), 0)
	wantError(t, err, fs.ErrClosed)
	wantError(t, file.Sync(), fs.ErrClosed)
	wantError(t, file.Truncate(0), fs.ErrClosed)
	_, err = file.Size()
	wantError(t, err, fs.ErrClosed)
	wantError(t, file.Close(), fs.ErrClosed)

	sub, err := f.Folder("sub")
	noError(t, err)
	stays := create(t, sub, "a", rw)
	noError(t, sub.Close())
	_, err = sub.OpenFile("a", rw)
	wantError(t, err, fs.ErrClosed)
	wantError(t, sub.Sync(), fs.ErrClosed)
	_, err = sub.ReadDir()
	wantError(t, err, fs.ErrClosed)
	write(t, stays, []byte("abc"), 0)
	noError(t, stays.Close())
}

func testConcurrent(t *testing.T, f FS) {
	const writers, size = 8, 700
	file := create(t, f, "a", rw)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			p := bytes.Repeat([]byte{byte('a' + i)}, size)
			if _, err := file.WriteAt(p, int64(i*size)); err != nil {
				t.Error(err)
			}
			if err := errors.Join(file.Sync(), f.Sync()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var want []byte
	for i := range writers {
		want = append(want, bytes.Repeat([]byte{byte('a' + i)}, size)...)
	}
	wantContent(t, f, "a", want)
}
