package seglog

import (
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

const (
	commitBytes = 1 << 20               // this much is written without waiting for more
	commitDelay = 5 * time.Millisecond  // this old a record is written without waiting for more
	cursorBytes = 4 << 20               // after this much is acknowledged the cursor is stored at once
	cursorDelay = 50 * time.Millisecond // or this long after the first record was
	groupBytes  = 1 << 20               // the most that is written at once, unless a record is longer
	retryDelay  = time.Second           // between two tries of a failed operation
	noteEvery   = time.Hour             // the clock of the log loses at most this if the machine is switched off
)

// committer is the only goroutine that changes files, so that no order between two writers
// has to be kept. Its goroutine owns the fields; it sets active with Log.mu held, because
// retire reads that field.
type committer struct {
	*Log
	active *segment  // being written; nil: the next group begins a new one
	file   vfs.File  // of active
	named  bool      // the name of active is durable
	dirty  time.Time // when the first record was written that is not synced; zero if there is none
	copyOf uint64    // the first record of the last segment that was begun
	copies int       // the number that the name of the next copy of it gets
	group  []entry
	buf    []byte
	cursor cursorFile
	noted  time.Time // when the cursor was last written without a sync
	again  time.Time // when cursor and trash are tried again
	failed bool      // the cursor could not be stored
	left   int64     // records that are not durable at the end; guarded by Log.mu
	why    error     // of the last failure to write; guarded by Log.mu
}

// run handles due work until Close.
func (c *committer) run() {
	defer close(c.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if c.isClosing() {
			c.finish()
			return
		}
		wait := c.turn()
		if wait <= 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-c.kick:
		case <-timer.C:
		}
	}
}

// isClosing reports whether Close was called.
func (c *committer) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// turn handles each kind of due work once and returns the time until more is due. Segments
// that are too old go first: they may make room for the group.
func (c *committer) turn() time.Duration {
	due := c.agenda(time.Now())
	if due.expire <= 0 {
		c.expire()
	}
	if due.commit <= 0 {
		c.commit()
	}
	if due.sync <= 0 {
		_ = c.sync() // it is reported, and the segment sealed
	}
	c.setAside()
	if due.cursor <= 0 {
		c.clean()
	}
	if due.note <= 0 {
		c.note(c.durable())
	}
	return c.agenda(time.Now()).next()
}

// durable returns Log.synced.
func (c *committer) durable() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.synced
}

// agenda holds the time until each kind of work is due. Zero and less mean due now.
type agenda struct{ commit, sync, cursor, expire, note time.Duration }

const never = 24 * time.Hour // soon enough to look again

func (a agenda) next() time.Duration { return min(a.commit, a.sync, a.cursor, a.expire, a.note) }

// agenda computes when each kind of work is due. Nothing is due in memory mode. A failed
// cursor or removal delays only those, never the records.
func (c *committer) agenda(now time.Time) agenda {
	due := agenda{never, never, never, never, never}
	if c.cfg.FS == nil {
		return due
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.mem.len(); n > 0 {
		due.commit = c.commitDue(now)
	}
	if !c.dirty.IsZero() {
		if c.urgent > c.safe() {
			due.sync = 0
		} else if c.cfg.Policy == Interval {
			due.sync = c.dirty.Add(c.cfg.Every).Sub(now)
		}
	}
	if floor := c.floor(); floor > c.stored || len(c.trash) > 0 {
		due.cursor = c.ackedAt.Add(cursorDelay).Sub(now)
		if c.read >= cursorBytes || c.full || c.err != nil {
			due.cursor = 0
		}
		due.cursor = max(due.cursor, c.again.Sub(now))
	}
	if c.cfg.MaxAge > 0 && len(c.segs) > 0 {
		due.expire = c.segs[0].born.Add(c.cfg.MaxAge + c.cfg.MaxAge/8).Sub(now)
		due.note = c.noted.Add(noteEvery).Sub(now)
	}
	return due
}

// commitDue returns the time until a group is to be written. Callers must hold mu.
func (c *committer) commitDue(now time.Time) time.Duration {
	switch {
	case c.serving() && c.space:
		return 0
	case c.serving():
		return c.retryAt.Sub(now)
	case c.mem.taken.n > 0, c.mem.frames >= commitBytes, c.urgent >= c.mem.at(0).seq:
		return 0
	}
	return c.oldest.Add(commitDelay).Sub(now)
}

// finish writes as many records as the disk accepts, stores the cursor and closes the files.
func (c *committer) finish() {
	if c.cfg.FS != nil {
		for c.pending() && c.commit() {
		}
		_ = c.seal() // it is reported
		c.setAside()
		c.clean()
		c.cursor.close()
	}
	c.rd.mu.Lock()
	c.rd.close()
	c.rd.mu.Unlock()

	c.mu.Lock()
	defer c.unlock()
	c.closed = true
	c.left = int64(c.appended-c.safe()) - c.gaps.count(c.safe()+1, c.appended)
	c.freed += c.mem.cost
	c.wake()
}

// pending reports whether records in memory wait to be written.
func (c *committer) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mem.len() > 0
}
