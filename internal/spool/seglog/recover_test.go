package seglog

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// wreck is a folder with everything that recovery has to deal with: what is
// acknowledged, damage in the middle, a segment without a header, a torn tail.
func wreck(t *testing.T) *vfs.Mem {
	disk := vfs.NewMem()
	at := uint64(0)
	for i := range 5 {
		b := image(header{first: at + 1, follows: at, created: time.Now()}, texts(int(at+1), 5)...)
		switch i {
		case 1:
			b[headerSize+2*(frameSize+8)+frameSize]++ // in record 8
		case 3:
			clear(b[:headerSize])
		case 4:
			b = b[:len(b)-3]
		}
		put(t, disk, segmentName(at+1, 0), b)
		at += 5
	}
	putCursor(t, disk, cursor{acked: 5})
	return disk
}

// wreckRecords are the records that can be read in a wreck.
var wreckRecords = []uint64{6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}

func wantWreck(t *testing.T, l *Log) {
	t.Helper()
	recs := readAll(t, l)
	if len(recs) != len(wreckRecords) {
		t.Fatalf("%d records, want %d", len(recs), len(wreckRecords))
	}
	for i, r := range recs {
		if r.Seq != wreckRecords[i] || string(r.Data) != fmt.Sprintf("record %d", r.Seq) {
			t.Errorf("record %d is %q, want %d", r.Seq, r.Data, wreckRecords[i])
		}
	}
}

// TestRecoveryFaults is R14 for the start: whichever changing call of it fails, what can
// be read is read, and the start after it finds the same.
func TestRecoveryFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
		for _, length := range []int{1, 1 << 20} {
			calls := 1 << 30
			for k := 1; k <= calls; k++ {
				synctest.Test(t, func(t *testing.T) {
					disk, quarantine := wreck(t), vfs.NewMem()
					var n atomic.Int64
					rule := func(_ vfs.Op, _ string, call int) error {
						if call > 0 {
							if at := n.Add(1); at >= int64(k) && at < int64(k+length) {
								return fault
							}
						}
						return nil
					}
					l, err := Open(Config{FS: vfs.NewFaulty(disk, rule), Quarantine: vfs.NewFaulty(quarantine, rule)})
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * retryDelay)
					if s := l.State(); s.Dropped[damage] != 1 || s.Unknown != 0 || s.Recovered != 18 {
						t.Errorf("state: %+v", s)
					}
					wantWreck(t, l)
					if err := l.Close(t.Context()); err != nil && !errors.Is(err, fault) {
						t.Errorf("Close: %v", err) // the tail could not be synced
					}
					calls = int(n.Load())

					l, err = Open(Config{FS: disk, Quarantine: quarantine})
					if err != nil {
						t.Fatal(err)
					}
					wantWreck(t, l)
					closeLog(t, l)
				})
				if t.Failed() {
					t.Fatalf("%v for %d calls from call %d", fault, length, k)
				}
			}
		}
	}
}

func TestRecoveryQuarantinesWhatItChanges(t *testing.T) {
	t.Parallel()
	disk, quarantine := wreck(t), vfs.NewMem()
	l := open(t, Config{FS: disk, Quarantine: quarantine})
	closeLog(t, l)
	want := map[string]bool{
		segmentName(6, 0): true, segmentName(16, 0): true, segmentName(21, 0) + ".tail": true,
	}
	files, _ := quarantine.ReadDir()
	for _, f := range files {
		if !want[f.Name] {
			t.Errorf("%s is in quarantine", f.Name)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not in quarantine: %v", want)
	}
	b := make([]byte, headerSize)
	if _, err := readStart(disk, segmentName(16, 0), b); err != nil {
		t.Fatal(err)
	}
	if h, err := parseHeader(b); err != nil || h.first != 16 || h.follows != 15 {
		t.Errorf("the segment without a header was given %+v, %v", h, err)
	}
}

// TestASegmentIsDoneOnlyIfTheNextOneKnewItsRecords: a segment without records that a run
// before left, and whose removal the loss of power undid, says nothing of a later run.
func TestASegmentIsDoneOnlyIfTheNextOneKnewItsRecords(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	put(t, disk, segmentName(1, 0), image(header{origin: [16]byte{2}, first: 1, created: time.Now()}, texts(1, 9)...))
	put(t, disk, segmentName(5, 0), image(header{origin: [16]byte{1}, first: 5, created: time.Now()}))
	put(t, disk, segmentName(10, 0), image(header{origin: [16]byte{2}, first: 10, follows: 9, created: time.Now()}, texts(10, 3)...))
	putCursor(t, disk, cursor{acked: 6})
	l := open(t, Config{FS: disk})
	wantRecords(t, readAll(t, l), 7, 6)
	if s := l.State(); len(s.Dropped) > 0 || s.Unknown != 0 {
		t.Errorf("state: %+v", s)
	}
}

// TestANameIsNotGivenTwice: the file of a write that failed is removed, and may come back
// if the power is lost; the copy that counts then must have a higher name.
func TestANameIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk, broken := brokenDisk(syscall.EIO)
		l, err := Open(Config{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		broken.Store(false)
		if err := l.com.cursor.make(cursor{}); err != nil { // the committer rests
			t.Fatal(err)
		}
		broken.Store(true)
		last := l.Append(numbered(1, 3))
		time.Sleep(retryDelay / 2)
		broken.Store(false)
		syncLog(t, l, last)
		time.Sleep(2 * retryDelay)
		var names []string
		files, _ := disk.ReadDir()
		for _, f := range files {
			names = append(names, f.Name)
		}
		if want := []string{segmentName(1, 2), cursorName}; !slices.Equal(names, want) {
			t.Errorf("%q, want %q", names, want)
		}
		closeLog(t, l)
	})
}
