package seglog

import (
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// clock is the clock of a log. It counts only time that the log knows to have passed: while
// a process has the log open, by its monotonic clock; between two processes of one start of
// the machine, by the uptime. It never reads the time of day, so changing that makes no
// record older. It is immutable after recovery.
type clock struct {
	began  time.Time     // when this process opened the log
	base   time.Duration // the clock's value at began
	uptime func() (boot uint32, up time.Duration)
}

// stamp is the state of the clock in a cursor, in whole seconds.
type stamp struct {
	clock uint32 // 0: the cursor is of version 1 or 2 and says nothing
	boot  uint32 // the start of the machine; 0: not known
	up    uint32 // how long it was up then
}

// newClock returns a clock that has just begun.
func newClock(uptime func() (uint32, time.Duration)) clock {
	if uptime == nil {
		uptime = vfs.Uptime
	}
	return clock{began: time.Now(), base: time.Second, uptime: uptime}
}

// resume continues from the state that the last process left: the stamp of the cursor and
// the latest time at which a segment was begun.
func (c *clock) resume(s stamp, latest time.Duration) {
	c.base = max(c.base, latest, time.Duration(s.clock)*time.Second+c.since(s))
}

// since returns the uptime since the stamp; 0 if the machine was restarted in between or
// does not report its uptime.
func (c *clock) since(s stamp) time.Duration {
	boot, up := c.uptime()
	if boot == 0 || boot != s.boot {
		return 0
	}
	return max(0, up-time.Duration(s.up+1)*time.Second)
}

// at returns the value of the clock at a moment of this process.
func (c *clock) at(t time.Time) time.Duration { return c.base + t.Sub(c.began) }

// moment returns the time at which the clock showed d; began if d is 0, which means unknown.
func (c *clock) moment(d time.Duration) time.Time {
	if d == 0 {
		return c.began
	}
	return c.began.Add(min(0, d-c.base))
}

// stamp returns the stamp for a cursor that is stored now.
func (c *clock) stamp() stamp {
	boot, up := c.uptime()
	return stamp{clock: uint32(c.at(time.Now()) / time.Second), boot: boot, up: uint32(up / time.Second)}
}
