package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"
)

// helperEnv makes the test binary do one of helpers instead of testing; its arguments
// are the helper's.
const helperEnv = "VFS_TEST_HELPER"

// helpers are what other processes do for the tests.
var helpers = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		if err := helpers[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// openOS returns the folder dir of the real disk until the test ends.
func openOS(t *testing.T, dir string) FS {
	t.Helper()
	f, err := OS(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noError(t, f.Close()) })
	return f
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks that err is want, in an *fs.PathError.
func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	var in *fs.PathError
	if !errors.As(err, &in) {
		t.Fatalf("error %v is no *fs.PathError", err)
	}
}

// create makes or opens a file until the test ends.
func create(t *testing.T, f FS, name string, flag int) File {
	t.Helper()
	file, err := f.OpenFile(name, flag)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // the test may have closed it
	return file
}

// put stores a whole file.
func put(t *testing.T, f FS, name string, content []byte) {
	t.Helper()
	file := create(t, f, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	write(t, file, content, 0)
	noError(t, file.Close())
}

func write(t *testing.T, f File, p []byte, off int64) {
	t.Helper()
	if n, err := f.WriteAt(p, off); err != nil || n != len(p) {
		t.Fatalf("WriteAt(%d bytes) = %d, %v", len(p), n, err)
	}
}

// content returns the bytes of a file.
func content(t *testing.T, f FS, name string) []byte {
	t.Helper()
	file := create(t, f, name, os.O_RDONLY)
	size, err := file.Size()
	noError(t, err)
	b, err := io.ReadAll(io.NewSectionReader(file, 0, size))
	noError(t, err)
	noError(t, file.Close())
	return b
}

func wantContent(t *testing.T, f FS, name string, want []byte) {
	t.Helper()
	if got := content(t, f, name); !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes %.40q, want %d bytes %.40q", name, len(got), got, len(want), want)
	}
}

// names lists a folder.
func names(t *testing.T, f FS) []string {
	t.Helper()
	infos, err := f.ReadDir()
	noError(t, err)
	list := []string{}
	for _, i := range infos {
		list = append(list, i.Name)
	}
	return list
}
