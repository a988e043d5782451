package seglog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// faultConfig makes a scenario touch every kind of call: tiny segments, a cursor, a
// quarantine.
func faultConfig(disk vfs.FS, policy Policy) Config {
	return Config{FS: disk, SegmentBytes: 200, Policy: policy, Every: 20 * time.Millisecond}
}

// scenario appends, syncs, reads and acknowledges for a while, and returns up to where
// it acknowledged and what Sync said was durable.
func scenario(t *testing.T, l *Log) (acked, durable uint64) {
	var next uint64 = 1
	for round := range 12 {
		last := l.Append(numbered(1+round*5, 5))
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if err := l.Sync(ctx, last); err == nil {
			durable = last
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Sync: %v", err)
		}
		stop()
		recs, err := l.Read(nil, next, 3, 1000)
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		wantRecords(t, recs, int(next), len(recs))
		next += uint64(len(recs))
		if round%3 == 2 {
			acked = next - 1
			l.Ack(acked)
			time.Sleep(2 * cursorDelay)
		}
	}
	return acked, durable
}

// TestFaults is R14: whichever changing call fails first, and whether the fault stays or
// is over after a while, no record is lost or out of order, and the disk is used again.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{Group, Interval} {
		for _, fault := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE} {
			for _, length := range []int{1, 2, 40} {
				t.Run(fmt.Sprintf("policy %d, %v, %d calls", policy, fault, length), func(t *testing.T) {
					t.Parallel()
					calls, step := 1<<30, 1
					if underRace {
						step = 5 // the others are as good as these for the detector
					}
					for k := 1; k <= calls; k += step {
						synctest.Test(t, func(t *testing.T) {
							n := faultTrial(t, policy, fault, k, length)
							calls = min(calls, n)
						})
						if t.Failed() {
							t.Fatalf("at call %d", k)
						}
					}
				})
			}
		}
	}
}

// faultTrial makes the calls k to k+length-1 fail, and returns how many there were.
func faultTrial(t *testing.T, policy Policy, fault error, k, length int) int {
	disk := vfs.NewMem()
	var calls atomic.Int64
	var healthy atomic.Bool
	faulty := vfs.NewFaulty(disk, func(_ vfs.Op, _ string, n int) error {
		calls.Store(max(calls.Load(), int64(n)))
		if n >= k && n < k+length && !healthy.Load() {
			return fault
		}
		return nil
	})
	l, err := Open(faultConfig(faulty, policy))
	if err != nil {
		t.Fatal(err)
	}
	acked, durable := scenario(t, l)
	synctest.Wait() // the committer rests: nothing changes while the disk is copied
	// A crash of the process now must leave everything that is durable and not acked.
	after, err := Open(faultConfig(snapshot(t, disk), policy))
	if err != nil {
		t.Fatal(err)
	}
	next := after.Next()
	if next > acked+1 {
		t.Errorf("the cursor is %d, acknowledged was %d", next-1, acked)
	}
	if s := after.State(); s.Appended < durable || len(s.Dropped) > 0 {
		t.Errorf("durable up to %d, found %+v", durable, s)
	}
	for _, r := range readAll(t, after) {
		// What was acknowledged from memory need not have been written.
		if r.Seq != next && (r.Seq < next || r.Seq > acked+1) || string(r.Data) != fmt.Sprintf("record %d", r.Seq) {
			t.Errorf("record %d is %q, after %d", r.Seq, r.Data, next-1)
		}
		next = r.Seq + 1
	}
	if next <= durable {
		t.Errorf("durable up to %d, the last one found is %d", durable, next-1)
	}
	_ = after.Close(t.Context())

	healthy.Store(true)
	time.Sleep(3 * retryDelay)
	last := l.Append(numbered(61, 1))
	time.Sleep(2 * commitDelay)
	if policy == Group {
		syncLog(t, l, last)
		if s := l.State(); s.Full || s.Err != nil || s.MemoryBytes != 0 || s.Durable != 61 {
			t.Errorf("after the fault: %+v", s)
		}
	}
	wantRecords(t, readAll(t, l), int(l.Next()), 61-int(l.Next())+1)
	l.Ack(last)
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	return int(calls.Load())
}

// snapshot is the disk as another process finds it after this one was killed.
func snapshot(t *testing.T, disk vfs.FS) vfs.FS {
	t.Helper()
	files, err := disk.ReadDir()
	if err != nil {
		t.Fatal(err)
	}
	to := vfs.NewMem()
	for _, f := range files {
		if _, err := copyFile(to, f.Name, disk, f.Name, 0); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestFullDiskKeepsOrderAndHealsWhenAcked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{FS: vfs.NewMem(), SegmentBytes: 200, MaxBytes: 450})
		if err != nil {
			t.Fatal(err)
		}
		l.Append(numbered(1, 40))
		time.Sleep(time.Second)
		s := l.State()
		if !s.Full || s.Err != nil || s.Written == 0 || s.Written == 40 || s.DiskBytes > 450 {
			t.Fatalf("state: %+v", s)
		}
		all := readAll(t, l)
		wantRecords(t, all, 1, 40)
		l.Ack(s.Written)
		time.Sleep(time.Millisecond)
		if now := l.State(); now.Written <= s.Written {
			t.Errorf("nothing more was written after an ack: %+v", now)
		}
		l.Ack(40)
		time.Sleep(time.Second)
		syncLog(t, l, l.Append(numbered(41, 1)))
		if s := l.State(); s.Full || s.Written != 41 {
			t.Errorf("the log is still full: %+v", s)
		}
		closeLog(t, l)
	})
}

func TestDropOldestCountsWhatNobodyHasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dropped int64
		l, err := Open(Config{FS: vfs.NewMem(), SegmentBytes: 200, MaxBytes: 700, DropOldest: true, Report: func(e Event) {
			if e.Kind == Dropped {
				dropped += e.Count
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		syncLog(t, l, l.Append(numbered(1, 5)))
		recs, err := l.Read(nil, 1, 2, 1000)
		if err != nil {
			t.Fatal(err)
		}
		wantRecords(t, recs, 1, 2)
		for i := 6; i <= 100; i += 5 {
			syncLog(t, l, l.Append(numbered(i, 5)))
		}
		s := l.State()
		if s.Dropped["spool full"] != dropped || s.DiskBytes > 700 || s.Unacked+dropped != 100 {
			t.Errorf("dropped %d, state %+v", dropped, s)
		}
		l.Ack(2)
		if next := l.Next(); int64(next) != dropped+3 {
			t.Errorf("next is %d after the reader acknowledged its two and %d were dropped", next, dropped)
		}
		wantRecords(t, readAll(t, l), int(dropped)+3, 98-int(dropped))
		closeLog(t, l)
	})
}

func TestMemoryBoundDropsOldestOrNewest(t *testing.T) {
	t.Parallel()
	for _, oldest := range []bool{false, true} {
		l := open(t, Config{MemoryBytes: 100, DropOldest: oldest})
		l.Append(numbered(1, 5))
		if recs, _ := l.Read(nil, 1, 2, 1000); len(recs) != 2 {
			t.Fatalf("%d records", len(recs))
		}
		l.Append(numbered(6, 20)) // 8 and 9 bytes each
		s := l.State()
		if s.MemoryBytes > 100 || s.Unacked+s.Dropped["memory full"] != 25 || s.Dropped["memory full"] == 0 {
			t.Errorf("oldest %v: %+v", oldest, s)
		}
		recs := readAll(t, l)
		if got := recs[len(recs)-1].Seq == 25; got != oldest {
			t.Errorf("oldest %v: the last one is %d", oldest, recs[len(recs)-1].Seq)
		}
		if recs[1].Seq != 2 {
			t.Errorf("oldest %v: a record that was read is gone", oldest)
		}
	}
}

func TestReadErrorLosesNothing(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	disk := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op, _ string, _ int) error {
		if failing.Load() && (op == vfs.OpRead || op == vfs.OpOpen) {
			return syscall.EIO
		}
		return nil
	})
	l := open(t, Config{FS: disk})
	syncLog(t, l, l.Append(numbered(1, 10)))
	failing.Store(true)
	if recs, err := l.Read(nil, 1, 10, 1000); !errors.Is(err, syscall.EIO) || len(recs) > 0 {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	failing.Store(false)
	wantRecords(t, readAll(t, l), 1, 10)
	if s := l.State(); len(s.Dropped) > 0 {
		t.Errorf("dropped: %v", s.Dropped)
	}
}

func TestVanishedSegmentIsCounted(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	l := open(t, Config{FS: disk, SegmentBytes: 200})
	syncLog(t, l, l.Append(numbered(1, 20)))
	if err := disk.Remove(segmentName(1, 0)); err != nil {
		t.Fatal(err)
	}
	recs := readAll(t, l)
	if n := l.State().Dropped[damage]; n == 0 || int(n)+len(recs) != 20 {
		t.Errorf("%d lost, %d read", n, len(recs))
	}
	if _, err := disk.OpenFile(segmentName(1, 0), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the segment is back: %v", err)
	}
}
