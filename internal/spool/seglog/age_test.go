package seglog

import (
	"hash/crc32"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// TestMaxAge is R28 inside a process: nothing expires before its time, all of it soon
// after, and the committer does not spin in between.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const age = 72 * time.Hour
		l, err := Open(Config{FS: vfs.NewMem(), MaxAge: age})
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 200 {
			syncLog(t, l, l.Append(numbered(1+hour, 1)))
			time.Sleep(time.Hour)
			s := l.State()
			if old := time.Since(s.Oldest); old > age+age/4 {
				t.Fatalf("in hour %d the oldest record is %v old", hour, old)
			}
			if lost := s.Dropped["too old"]; lost > int64(max(0, hour+1-72)) {
				t.Fatalf("in hour %d %d records are dropped", hour, lost)
			}
		}
		s := l.State()
		if s.Dropped["too old"] == 0 || s.Unacked+s.Dropped["too old"] != 200 {
			t.Errorf("state: %+v", s)
		}
		closeLog(t, l)
	})
}

// TestMaxAgeAfterClockJump is R28 over a restart: what time of day it was when the records
// were written makes none of them old, in any version of the format.
func TestMaxAgeAfterClockJump(t *testing.T) {
	t.Parallel()
	for _, version := range []byte{1, 2, 3} {
		for _, jump := range []time.Duration{-100 * 365 * 24 * time.Hour, -30 * 24 * time.Hour, 0, 100 * time.Hour, 30 * 365 * 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				disk := vfs.NewMem()
				h := header{first: 1, created: time.Now().Add(-jump), clock: 5 * time.Second}
				if version < 3 {
					h.clock = 0
				}
				b := image(h, texts(1, 5)...)
				b[8] = version
				order.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
				put(t, disk, segmentName(1, 0), b)
				l, err := Open(Config{FS: disk, MaxAge: 72 * time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(71 * time.Hour)
				if s := l.State(); s.Dropped["too old"] != 0 || time.Since(s.Oldest) > 72*time.Hour {
					t.Errorf("version %d, jump of %v: %+v", version, jump, s)
				}
				time.Sleep(12 * time.Hour)
				if s := l.State(); s.Dropped["too old"] != 5 {
					t.Errorf("version %d, jump of %v, after 83 hours: %+v", version, jump, s)
				}
				closeLog(t, l)
			})
		}
	}
}

// machine is a machine that can be started anew, in a synctest bubble.
type machine struct {
	boot uint32 // 0: it does not say
	on   time.Time
}

func (m *machine) uptime() (uint32, time.Duration) { return m.boot, time.Since(m.on) }

// leave starts a process that writes five records, runs for a while, and is then closed or
// killed. It returns the disk.
func leave(t *testing.T, m *machine, runs time.Duration, killed bool) vfs.FS {
	t.Helper()
	disk := vfs.NewMem()
	l, err := Open(Config{FS: disk, MaxAge: 72 * time.Hour, uptime: m.uptime})
	if err != nil {
		t.Fatal(err)
	}
	syncLog(t, l, l.Append(numbered(1, 5)))
	time.Sleep(runs)
	after := snapshot(t, disk)
	closeLog(t, l)
	if killed {
		return after
	}
	return disk
}

// TestMaxAgeGoesOnBetweenProcesses: while the machine is up, time counts whether a process
// runs or not.
func TestMaxAgeGoesOnBetweenProcesses(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		for _, c := range []struct {
			away time.Duration
			lost int64
		}{{time.Hour, 0}, {70 * time.Hour, 0}, {100 * time.Hour, 5}} {
			synctest.Test(t, func(t *testing.T) {
				m := &machine{boot: 7, on: time.Now().Add(-time.Hour)}
				disk := leave(t, m, time.Hour, killed)
				time.Sleep(c.away)
				l, err := Open(Config{FS: disk, MaxAge: 72 * time.Hour, uptime: m.uptime})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if got := l.State().Dropped["too old"]; got != c.lost {
					t.Errorf("killed %v, left for %v: %d dropped, want %d", killed, c.away, got, c.lost)
				}
				closeLog(t, l)
			})
		}
	}
}

// TestMaxAgeLeavesOutWhatNobodySaw: time in which the machine was off, or says nothing, does
// not count, and what processes saw before adds up.
func TestMaxAgeLeavesOutWhatNobodySaw(t *testing.T) {
	t.Parallel()
	for _, boots := range []bool{true, false} {
		for _, killed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := &machine{on: time.Now()}
				if boots {
					m.boot = 1
				}
				disk := leave(t, m, 20*time.Hour, killed)
				seen := 20 * time.Hour
				for lost := int64(0); lost == 0; {
					time.Sleep(1000 * time.Hour)
					if m.on = time.Now(); boots {
						m.boot++
					}
					l, err := Open(Config{FS: disk, MaxAge: 72 * time.Hour, uptime: m.uptime})
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(8 * time.Hour)
					seen += 8 * time.Hour
					lost = l.State().Dropped["too old"]
					after := snapshot(t, disk)
					closeLog(t, l)
					if killed {
						disk = after
					}
					if lost > 0 != (seen >= 72*time.Hour) && (lost > 0 || seen > 100*time.Hour) {
						t.Fatalf("boots %v, killed %v: %d dropped after %v", boots, killed, lost, seen)
					}
				}
			})
		}
	}
}
