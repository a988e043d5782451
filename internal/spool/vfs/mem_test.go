package vfs

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

func TestMemFull(t *testing.T) {
	m := NewMem()
	m.SetCapacity(1000)
	a := create(t, m, "a", rw)
	write(t, a, make([]byte, 600), 0)
	b := create(t, m, "b", rw)
	n, err := b.WriteAt(bytes.Repeat([]byte{'b'}, 500), 0)
	wantError(t, err, syscall.ENOSPC)
	if size, _ := b.Size(); n != 400 || size != 400 {
		t.Fatalf("%d bytes written, %d bytes long; want a short write of 400", n, size)
	}
	wantFree(t, m, 0)
	wantError(t, b.Truncate(401), syscall.ENOSPC)
	write(t, b, []byte("in place"), 0)
	if n, err = b.WriteAt([]byte("far"), 9000); n != 0 {
		t.Fatalf("%d bytes written far behind the end", n)
	}
	wantError(t, err, syscall.ENOSPC)

	noError(t, b.Truncate(100))
	wantFree(t, m, 300)
	noError(t, m.Remove("a"))
	wantFree(t, m, 300) // still open
	noError(t, a.Close())
	wantFree(t, m, 900)
	write(t, b, make([]byte, 900), 100)
	m.SetCapacity(10)
	wantFree(t, m, 0)
}

func TestMemRenameFreesTheReplaced(t *testing.T) {
	m := NewMem()
	m.SetCapacity(1000)
	put(t, m, "a", make([]byte, 300))
	put(t, m, "b", make([]byte, 500))
	noError(t, m.Rename("a", "b"))
	wantFree(t, m, 700)
	put(t, m, "b", nil)
	wantFree(t, m, 1000)
}

// TestMemStaysOpen: the top folder can be used after Close, like one of a real disk
// that is opened again.
func TestMemStaysOpen(t *testing.T) {
	m := NewMem()
	put(t, m, "a", []byte("abc"))
	noError(t, m.Close())
	wantContent(t, m, "a", []byte("abc"))
}

func TestMemRefusesToRenameFolders(t *testing.T) {
	m := NewMem()
	_, err := m.Folder("sub")
	noError(t, err)
	wantError(t, m.Rename("sub", "other"), syscall.EISDIR)
	put(t, m, "a", nil)
	wantError(t, m.Rename("a", "sub"), syscall.EISDIR)
	_, err = m.OpenFile("a", os.O_RDONLY)
	noError(t, err)
}

func wantFree(t *testing.T, f FS, want int64) {
	t.Helper()
	if got, err := f.Free(); got != want || err != nil {
		t.Fatalf("Free = %d, %v; want %d", got, err, want)
	}
}
