package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// crashes runs check on the disks that n power losses leave of m.
func crashes(t *testing.T, m *Mem, n int, check func(after *Mem)) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range n {
		check(m.Crash(rnd))
	}
}

// has says whether a folder has a file.
func has(t *testing.T, f FS, name string) bool { return slices.Contains(names(t, f), name) }

// durableFile makes a file that is on the disk with its name.
func durableFile(t *testing.T, f FS, name string, content []byte) File {
	t.Helper()
	file := create(t, f, name, rw)
	write(t, file, content, 0)
	noError(t, file.Sync())
	noError(t, f.Sync())
	return file
}

func TestCrashKeepsSynced(t *testing.T) {
	m := NewMem()
	synced := bytes.Repeat([]byte("synced "), 300)
	file := durableFile(t, m, "a", synced)
	write(t, file, bytes.Repeat([]byte("more "), 300), int64(len(synced)))

	lengths, tails := map[int]bool{}, map[string]bool{}
	crashes(t, m, 300, func(after *Mem) {
		got := content(t, after, "a")
		if !bytes.HasPrefix(got, synced) {
			t.Fatalf("synced content is lost: %d bytes, %.30q", len(got), got)
		}
		if len(got) > len(synced)+1500 {
			t.Fatalf("%d bytes, only %d were written", len(got), len(synced)+1500)
		}
		lengths[len(got)] = true
		tails[string(got[len(synced):min(len(got), len(synced)+20)])] = true
	})
	if len(lengths) < 50 {
		t.Errorf("only %d different lengths", len(lengths))
	}
	if !tails["more more more more "] || !tails[string(make([]byte, 20))] || len(tails) < 30 {
		t.Errorf("unsynced bytes are not sometimes kept, zero and garbage: %d cases", len(tails))
	}
}

func TestCrashOfOverwrittenSlotKeepsItsNeighbour(t *testing.T) {
	m := NewMem()
	file := durableFile(t, m, "cursor", []byte("one-two-"))
	write(t, file, []byte("TWO-"), 4)
	seen := map[string]bool{}
	crashes(t, m, 200, func(after *Mem) {
		got := string(content(t, after, "cursor"))
		if got[:4] != "one-" || len(got) != 8 {
			t.Fatalf("cursor is %q", got)
		}
		seen[got[4:]] = true
	})
	if !seen["two-"] || !seen["TWO-"] || !seen["\x00\x00\x00\x00"] || len(seen) < 10 {
		t.Errorf("an overwritten slot was only seen as %q", slices.Collect(maps.Keys(seen)))
	}
}

func TestCrashOfTruncation(t *testing.T) {
	m := NewMem()
	file := durableFile(t, m, "a", bytes.Repeat([]byte{'x'}, 1000))
	noError(t, file.Truncate(100))
	lengths := map[int]bool{}
	crashes(t, m, 200, func(after *Mem) {
		got := content(t, after, "a")
		if len(got) < 100 || len(got) > 1000 || !bytes.Equal(got, bytes.Repeat([]byte{'x'}, len(got))) {
			t.Fatalf("%d bytes %.40q", len(got), got)
		}
		lengths[len(got)] = true
	})
	if !lengths[100] || len(lengths) < 30 {
		t.Errorf("only %d lengths, 100 among them: %v", len(lengths), lengths[100])
	}
	noError(t, file.Sync())
	crashes(t, m, 20, func(after *Mem) { wantContent(t, after, "a", bytes.Repeat([]byte{'x'}, 100)) })
}

// TestCrashAfterCutAndGrown: zeros that came by truncating are content like any other.
func TestCrashAfterCutAndGrown(t *testing.T) {
	m := NewMem()
	file := durableFile(t, m, "a", bytes.Repeat([]byte{'x'}, 1000))
	noError(t, file.Truncate(100))
	noError(t, file.Truncate(1000))
	noError(t, file.Sync())
	want := append(bytes.Repeat([]byte{'x'}, 100), make([]byte, 900)...)
	crashes(t, m, 20, func(after *Mem) { wantContent(t, after, "a", want) })
}

func TestCrashMayUndoNames(t *testing.T) {
	m := NewMem()
	durableFile(t, m, "removed", []byte("r"))
	durableFile(t, m, "replaced", []byte("old"))
	file := durableFile(t, m, "temporary", []byte("new"))
	noError(t, file.Close())
	noError(t, m.Remove("removed"))
	noError(t, m.Rename("temporary", "replaced"))
	put(t, m, "made", nil)

	seen := map[string]bool{}
	crashes(t, m, 200, func(after *Mem) {
		renamed := !has(t, after, "temporary")
		want := map[bool]string{true: "new", false: "old"}[renamed]
		wantContent(t, after, "replaced", []byte(want))
		seen[fmt.Sprint(renamed, has(t, after, "removed"), has(t, after, "made"))] = true
	})
	if len(seen) != 8 {
		t.Errorf("names are not independent, only %v", slices.Sorted(maps.Keys(seen)))
	}
	noError(t, m.Sync())
	crashes(t, m, 20, func(after *Mem) {
		if diff := cmp.Diff([]string{"made", "replaced"}, names(t, after)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCrashKeepsTheOrderOfOneName(t *testing.T) {
	m := NewMem()
	for _, version := range []string{"1", "2", "3"} {
		file := create(t, m, "temporary", rw|os.O_EXCL)
		write(t, file, []byte(version), 0)
		noError(t, file.Sync())
		noError(t, m.Rename("temporary", "a"))
	}
	wantStates(t, m, "", "a1 ", "a1 temporary2 ", "a2 ", "a2 temporary3 ", "a3 ", "temporary1 ")
}

// TestCrashKeepsTheOrderOfRenamedNames: what happens to a name after a rename is kept
// only if the rename is.
func TestCrashKeepsTheOrderOfRenamedNames(t *testing.T) {
	m := NewMem()
	durableFile(t, m, "t", []byte("t"))
	file := create(t, m, "a", rw)
	write(t, file, []byte("1"), 0)
	noError(t, file.Sync())
	noError(t, m.Rename("t", "a"))
	noError(t, m.Remove("a"))
	wantStates(t, m, "", "a1 tt ", "at ", "tt ")
}

// wantStates checks what names with what content power losses leave.
func wantStates(t *testing.T, m *Mem, want ...string) {
	t.Helper()
	seen := map[string]bool{}
	crashes(t, m, 200, func(after *Mem) {
		state := ""
		for _, name := range names(t, after) {
			state += name + string(content(t, after, name)) + " "
		}
		seen[state] = true
	})
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Error(diff)
	}
}

func TestCrashMayUndoAFolder(t *testing.T) {
	m := NewMem()
	sub, err := m.Folder("sub")
	noError(t, err)
	durableFile(t, sub, "a", []byte("abc"))
	kept := 0
	crashes(t, m, 100, func(after *Mem) {
		if has(t, after, "sub") {
			kept++
			f, err := after.Folder("sub")
			noError(t, err)
			wantContent(t, f, "a", []byte("abc"))
		}
	})
	if kept == 0 || kept == 100 {
		t.Errorf("the name was kept %d of 100 times", kept)
	}
}

func TestCrashFreesLocks(t *testing.T) {
	m := NewMem()
	_, err := m.Lock("LOCK")
	noError(t, err)
	crashes(t, m, 5, func(after *Mem) {
		held, err := after.Lock("LOCK")
		noError(t, err)
		noError(t, held.Close())
	})
	_, err = m.Lock("LOCK")
	wantError(t, err, ErrLocked)
}

func TestCrashIsRepeatable(t *testing.T) {
	build := func() *Mem {
		m := NewMem()
		for i := range 20 {
			put(t, m, fmt.Sprint("f", i), bytes.Repeat([]byte{byte(i + 1)}, i*200))
		}
		return m.Crash(rand.New(rand.NewPCG(7, 7)))
	}
	one, two := build(), build()
	if diff := cmp.Diff(names(t, one), names(t, two)); diff != "" {
		t.Fatal(diff)
	}
	for _, name := range names(t, one) {
		wantContent(t, two, name, content(t, one, name))
	}
}

// TestCrashWhileWriting takes disks from under a writer that syncs each number it
// appends: every disk has an exact prefix, at least as long as what was synced before.
func TestCrashWhileWriting(t *testing.T) {
	m := NewMem()
	file := durableFile(t, m, "a", nil)
	const size, count = 100, 400
	var synced atomic.Int64
	done := make(chan error, 1)
	go func() {
		for i := range count {
			_, err := file.WriteAt(bytes.Repeat([]byte{byte(i)}, size), int64(i*size))
			if err := errors.Join(err, file.Sync()); err != nil {
				done <- err
				return
			}
			synced.Add(1)
		}
		done <- nil
	}()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for last := int64(0); last < count && len(done) == 0; {
		last = synced.Load()
		got := content(t, m.Crash(rnd), "a")
		if int64(len(got)) < last*size {
			t.Fatalf("%d bytes, and %d were synced", len(got), last*size)
		}
		for i := range last {
			if got[i*size] != byte(i) || got[i*size+size-1] != byte(i) {
				t.Fatalf("number %d is wrong, and it was synced", i)
			}
		}
	}
	noError(t, <-done)
}

func TestCrashAtStopsEveryCall(t *testing.T) {
	run := func(m *Mem) error {
		file, err := m.OpenFile("a", rw) // 1
		if err != nil {
			return err
		}
		_, w := file.WriteAt([]byte("abc"), 0) // 2
		s := file.Sync()                       // 3
		d := m.Sync()                          // 4
		return errors.Join(w, s, d)
	}
	all := NewMem()
	noError(t, run(all))
	if all.Ops() != 4 {
		t.Fatalf("%d operations, want 4", all.Ops())
	}
	for op := 1; op <= 4; op++ {
		m := NewMem()
		m.CrashAt(op)
		wantError(t, run(m), ErrPowerLost)
		_, err := m.ReadDir()
		wantError(t, err, ErrPowerLost)
		_, err = m.Free()
		wantError(t, err, ErrPowerLost)
		crashes(t, m, 50, func(after *Mem) {
			if !has(t, after, "a") {
				return
			}
			got := content(t, after, "a")
			if (op <= 2 && len(got) > 0) || (op == 4 && string(got) != "abc") {
				t.Fatalf("stopped before operation %d, and the file has %q", op, got)
			}
		})
	}
	if crashed := NewMem().Crash(rand.New(rand.NewPCG(1, 1))); crashed.Ops() != 0 {
		t.Fatal("a new disk has operations")
	}
}

// TestCrashModel checks many random histories of one file against what is promised.
func TestCrashModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := NewMem()
		f, err := m.OpenFile("a", rw)
		check(rt, err)
		check(rt, m.Sync())
		var now, durable []byte
		changed := map[int]bool{} // since the last Sync
		shortest := 0
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0, 1:
				off := rapid.IntRange(0, 1500).Draw(rt, "offset")
				p := rapid.SliceOfN(rapid.Byte(), 1, 700).Draw(rt, "bytes")
				_, err := f.WriteAt(p, int64(off))
				check(rt, err)
				for i := min(off, len(now)); i < off+len(p); i++ {
					changed[i] = changed[i] || i >= off || i >= len(now)
				}
				now = resized(now, int64(max(len(now), off+len(p))))
				copy(now[off:], p)
			case 2:
				n := rapid.IntRange(0, 1800).Draw(rt, "length")
				check(rt, f.Truncate(int64(n)))
				for i := min(n, len(now)); i < max(n, len(now)); i++ {
					changed[i] = true
				}
				now = resized(now, int64(n))
				shortest = min(shortest, n)
			case 3:
				check(rt, f.Sync())
				durable = slices.Clone(now)
				clear(changed)
				shortest = len(now)
			}
		}
		after := m.Crash(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)))
		c, err := after.OpenFile("a", os.O_RDONLY)
		check(rt, err)
		size, err := c.Size()
		check(rt, err)
		got := make([]byte, size)
		_, err = c.ReadAt(got, 0)
		if size > 0 {
			check(rt, err)
		}
		if len(got) < shortest || len(got) > max(len(now), len(durable)) {
			rt.Fatalf("%d bytes; synced %d, written %d, least %d", len(got), len(durable), len(now), shortest)
		}
		for i, b := range got {
			if i < len(durable) && !changed[i] && b != durable[i] {
				rt.Fatalf("byte %d was not written since the last Sync and is %x, not %x", i, b, durable[i])
			}
		}
	})
}

func check(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}
