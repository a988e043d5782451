package seglog

import (
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// clock is the clock of a log. It counts the time of which the log knows that it passed:
// while a process had the log open, by the monotonic clock of that process, and between
// two processes of one start of the machine, by how long the machine is up. It never asks
// what time of day it is, so nobody can set it. It is immutable after recovery.
type clock struct {
	began  time.Time     // when this process opened the log
	base   time.Duration // what the clock showed then
	uptime func() (boot uint32, up time.Duration)
}

// stamp is what a cursor says of the clock, in whole seconds.
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

// resume goes on from what the last process left: the stamp of the cursor, and the
// latest time at which a segment was begun.
func (c *clock) resume(s stamp, latest time.Duration) {
	c.base = max(c.base, latest, time.Duration(s.clock)*time.Second+c.since(s))
}

// since returns how long the machine is up longer than at the stamp, and 0 if it was
// started in between or does not say.
func (c *clock) since(s stamp) time.Duration {
	boot, up := c.uptime()
	if boot == 0 || boot != s.boot {
		return 0
	}
	return max(0, up-time.Duration(s.up+1)*time.Second)
}

// at returns what the clock shows at a moment of this process.
func (c *clock) at(t time.Time) time.Duration { return c.base + t.Sub(c.began) }

// moment returns the moment at which the clock showed d; now, if d is 0 and says nothing.
func (c *clock) moment(d time.Duration) time.Time {
	if d == 0 {
		return c.began
	}
	return c.began.Add(min(0, d-c.base))
}

// stamp returns what a cursor says that is stored now.
func (c *clock) stamp() stamp {
	boot, up := c.uptime()
	return stamp{clock: uint32(c.at(time.Now()) / time.Second), boot: boot, up: uint32(up / time.Second)}
}
