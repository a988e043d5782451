package seglog

import (
	"errors"
	"io/fs"
	"time"
)

// progress returns the cursor to store now, given that everything up to synced is synced.
// Callers must hold mu.
func (c *committer) progress(synced uint64) cursor {
	if c.unsure.to > c.acked {
		synced = min(synced, c.unsure.from-1)
	}
	return cursor{acked: c.floor(), last: synced, origin: c.origin, stamp: c.clock.stamp()}
}

// note writes the cursor without waiting for the disk, so that after the end of the
// process it is known which records must exist. It comes before Sync reports them as safe:
// otherwise a record that was lost afterwards would not be counted.
func (c *committer) note(synced uint64) {
	c.mu.Lock()
	next := c.progress(synced)
	c.mu.Unlock()
	c.cursor.note(next)
	c.noted = time.Now()
}

// clean stores the cursor and then removes the segments below it, never the other way
// round: without the cursor, removed segments would look lost. On Close it also stores the
// high-water mark of the records that stay.
func (c *committer) clean() {
	c.mu.Lock()
	next := c.progress(c.synced)
	stale := next.acked > c.stored || c.closing && len(c.segs) > 0
	c.mu.Unlock()
	if stale && !c.storeCursor(next) {
		return
	}
	c.mu.Lock()
	trash := c.trash
	c.trash = nil
	c.mu.Unlock()
	var kept []*segment
	var removed int64
	space := false
	for _, seg := range trash {
		if c.remove(seg) {
			removed += seg.size
			space = space || !seg.empty && seg.size > 0
		} else {
			kept = append(kept, seg)
			c.again = time.Now().Add(retryDelay)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trash = append(kept, c.trash...)
	c.disk -= removed
	c.space = c.space || space
	if c.full && space && c.mem.len() == 0 {
		c.full = false
	}
}

// storeCursor makes next durable.
func (c *committer) storeCursor(next cursor) bool {
	err := c.cursor.store(next)
	c.mu.Lock()
	defer c.unlock()
	if err != nil {
		c.again = time.Now().Add(retryDelay)
		if !c.failed {
			c.report(Event{Kind: Degraded, Reason: cursorName, Err: err})
		}
		c.failed = true
		return false
	}
	if c.failed {
		c.report(Event{Kind: Restored, Reason: cursorName})
	}
	c.failed = false
	c.stored = next.acked
	c.read = 0
	c.ackedAt = time.Now()
	return true
}

// remove unlinks a segment that nobody reads. One that the disk cannot read is kept
// under another name.
func (c *committer) remove(seg *segment) bool {
	c.rd.mu.Lock()
	defer c.rd.mu.Unlock()
	if c.rd.seg == seg {
		c.rd.close()
	}
	var err error
	if seg.unreadable {
		err = c.cfg.FS.Rename(seg.name, seg.name+unreadableSuffix)
	} else {
		err = c.cfg.FS.Remove(seg.name)
	}
	return err == nil || errors.Is(err, fs.ErrNotExist)
}

// dropOldest drops the oldest segment, if there still is one. Records that Read has returned
// stay with the reader, which will acknowledge them; they are counted as dropped only if
// they are read again.
func (c *committer) dropOldest(reason string) {
	c.mu.Lock()
	last := len(c.segs) == 1 && c.segs[0] == c.active
	c.mu.Unlock()
	if last {
		_ = c.seal() // it is dropped anyway
	}
	c.mu.Lock()
	defer c.unlock()
	if len(c.segs) == 0 || c.segs[0] == c.active {
		return // the oldest segment was acknowledged meanwhile
	}
	seg := c.segs[0]
	c.discard()
	c.dropTo, c.dropWhy = max(c.dropTo, seg.last), reason
	if from := max(seg.first, c.handed+1, c.acked+1); from <= seg.last {
		c.drop(from, seg.last, reason)
	}
}

// expire drops the segments that are too old.
func (c *committer) expire() {
	for {
		c.mu.Lock()
		old := len(c.segs) > 0 && time.Since(c.segs[0].born) >= c.cfg.MaxAge+c.cfg.MaxAge/8
		c.mu.Unlock()
		if !old {
			return
		}
		c.dropOldest("too old")
	}
}
