package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// work makes one call of every kind and returns the first error.
func work(f FS) error {
	sub, err := f.Folder("sub") // 1
	if err != nil {
		return err
	}
	file, err := sub.OpenFile("a", rw) // 2
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { _, err := file.WriteAt([]byte("abcd"), 0); return err }, // 3
		func() error { return file.Truncate(3) },                               // 4
		file.Sync,                                                              // 5
		file.Close,                                                             //
		func() error { return readBack(sub) },                                  //
		func() error { _, err := sub.ReadDir(); return err },
		func() error { return sub.Rename("a", "b") }, // 6
		func() error { return sub.Remove("b") },      // 7
		sub.Sync,                                     // 8
		func() error { return lockOnce(f) },          // 9
		func() error { _, err := f.Free(); return err },
		sub.Close,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func readBack(f FS) error {
	file, err := f.OpenFile("a", os.O_RDONLY)
	if err != nil {
		return err
	}
	_, err = file.ReadAt(make([]byte, 3), 0)
	return errors.Join(err, file.Close())
}

func lockOnce(f FS) error {
	held, err := f.Lock("LOCK")
	if err != nil {
		return err
	}
	return held.Close()
}

// asked is one question to the rule.
type asked struct {
	Op   string
	Name string
	N    int
}

func TestFaultyAsksForEveryCall(t *testing.T) {
	var got []asked
	noError(t, work(NewFaulty(NewMem(), func(op Op, name string, n int) error {
		got = append(got, asked{op.String(), name, n})
		return nil
	})))
	want := []asked{
		{"mkdir", "sub", 1}, {"open", "sub/a", 2}, {"write", "sub/a", 3}, {"truncate", "sub/a", 4},
		{"sync", "sub/a", 5}, {"open", "sub/a", 0}, {"read", "sub/a", 0}, {"readdir", "sub", 0},
		{"rename", "sub/a", 6}, {"remove", "sub/b", 7}, {"syncdir", "sub", 8}, {"lock", "LOCK", 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestFaultyFailsAtEveryCall(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE} {
		for k := range 12 {
			calls, failed := 0, asked{}
			err := work(NewFaulty(NewMem(), func(op Op, name string, n int) error {
				calls++
				if calls <= k {
					return nil
				}
				if failed == (asked{}) {
					failed = asked{op.String(), name, n}
				}
				return fault
			}))
			wantError(t, err, fault)
			var in *fs.PathError
			if errors.As(err, &in); in.Op != failed.Op || in.Path != failed.Name {
				t.Errorf("call %d: error %v, want one of %+v", k, err, failed)
			}
		}
	}
}

func TestFaultyWriteStoresHalf(t *testing.T) {
	m := NewMem()
	f := NewFaulty(m, func(op Op, _ string, _ int) error {
		if op == OpWrite {
			return syscall.EIO
		}
		return nil
	})
	file := create(t, f, "a", rw)
	n, err := file.WriteAt([]byte("abcdef"), 0)
	wantError(t, err, syscall.EIO)
	if n != 3 {
		t.Fatalf("%d bytes written, want 3", n)
	}
	wantContent(t, m, "a", []byte("abc"))
}

// TestFaultySyncSpoilsTheFile: what Linux does after a failed fsync. A later one that
// succeeds does not make the content durable.
func TestFaultySyncSpoilsTheFile(t *testing.T) {
	m := NewMem()
	broken := true
	f := NewFaulty(m, func(op Op, _ string, _ int) error {
		if op == OpSync && broken {
			return syscall.EIO
		}
		return nil
	})
	file := create(t, f, "a", rw)
	write(t, file, []byte("abc"), 0)
	noError(t, f.Sync())
	wantError(t, file.Sync(), syscall.EIO)
	broken = false
	noError(t, file.Sync())
	lost := 0
	crashes(t, m, 50, func(after *Mem) {
		if string(content(t, after, "a")) != "abc" {
			lost++
		}
	})
	if lost == 0 {
		t.Error("a failed Sync was made good by a later one")
	}
}
