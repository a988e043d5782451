package seglog

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// brokenDisk is a disk that fails to write for as long as the value that it returns is
// true.
func brokenDisk(fault error) (vfs.FS, *atomic.Bool) {
	broken := new(atomic.Bool)
	broken.Store(true)
	return vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op, _ string, _ int) error {
		if broken.Load() && op == vfs.OpWrite {
			return fault
		}
		return nil
	}), broken
}

func TestStateOfALogWithNothingInMemoryIsSound(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		synctest.Test(t, func(t *testing.T) {
			disk, _ := brokenDisk(fault)
			l, err := Open(Config{FS: disk})
			if err != nil {
				t.Fatal(err)
			}
			for round := range 3 {
				last := l.Append(numbered(1+round, 1))
				time.Sleep(2 * retryDelay)
				if s := l.State(); s.Full == (s.Err != nil) || s.Err != nil && !errors.Is(s.Err, fault) {
					t.Errorf("%v: with a record in memory: %+v", fault, s)
				}
				wantRecords(t, readAll(t, l), 1+round, 1)
				l.Ack(last)
				if s := l.State(); s.Full || s.Err != nil {
					t.Errorf("%v: with nothing in memory: %+v", fault, s)
				}
			}
			closeLog(t, l)
		})
	}
}

// A reader that takes each record as soon as it can be read does not keep the disk from
// being tried again.
func TestDiskIsTriedAgainWhileAReaderIsFaster(t *testing.T) {
	t.Parallel()
	for _, pace := range []time.Duration{time.Millisecond, 2 * retryDelay} {
		synctest.Test(t, func(t *testing.T) {
			disk, broken := brokenDisk(syscall.EIO)
			l, err := Open(Config{FS: disk})
			if err != nil {
				t.Fatal(err)
			}
			take := func() {
				for recs := []Record{{}}; len(recs) > 0; {
					if recs, err = l.Read(nil, l.Next(), 100, 1<<20); err != nil {
						t.Fatal(err)
					}
					if n := len(recs); n > 0 {
						l.Ack(recs[n-1].Seq)
					}
				}
			}
			l.Append(numbered(1, 1))
			time.Sleep(2 * retryDelay)
			broken.Store(false)
			const most = 3000
			n := 1
			for ; n < most && l.State().Written == 0; n++ {
				take()
				l.Append(numbered(1+n, 1))
				take()
				time.Sleep(pace)
			}
			if n == most {
				t.Errorf("with a record each %v nothing was written", pace)
			}
			take()
			closeLog(t, l)
		})
	}
}

// The files that a failed write leaves are no reason to try again at once.
func TestBrokenDiskIsTriedOnceASecond(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		synctest.Test(t, func(t *testing.T) {
			var writes atomic.Int64
			disk := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op, _ string, _ int) error {
				if op == vfs.OpWrite {
					if writes.Add(1) > 1000 {
						return nil // else a committer that spins keeps the clock of the bubble from moving
					}
					return fault
				}
				return nil
			})
			l, err := Open(Config{FS: disk})
			if err != nil {
				t.Fatal(err)
			}
			l.Append(numbered(1, 1))
			time.Sleep(time.Minute)
			// Another error than that of a full disk is met twice a try, in two segments.
			if n := writes.Load(); n < 55 || n > 125 {
				t.Errorf("%v: %d writes in a minute", fault, n)
			}
			l.Ack(1)
			closeLog(t, l)
		})
	}
}
