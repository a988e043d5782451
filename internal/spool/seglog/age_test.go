package seglog

import (
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

// TestMaxAgeAfterClockJump is R28 over a restart: a segment from the future is new.
func TestMaxAgeAfterClockJump(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old  time.Duration
		lost int64
	}{{-24 * time.Hour, 0}, {0, 0}, {24 * time.Hour, 0}, {100 * time.Hour, 5}} {
		synctest.Test(t, func(t *testing.T) {
			disk := vfs.NewMem()
			put(t, disk, segmentName(1, 0), image(header{first: 1, created: time.Now().Add(-c.old)}, texts(1, 5)...))
			l, err := Open(Config{FS: disk, MaxAge: 72 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := l.State().Dropped["too old"]; got != c.lost {
				t.Errorf("%v old: %d dropped, want %d", c.old, got, c.lost)
			}
			closeLog(t, l)
		})
	}
}
