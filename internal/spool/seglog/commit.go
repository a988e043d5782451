package seglog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// commit writes one group and reports whether the disk accepted it.
func (c *committer) commit() bool {
	if err := c.prepare(); err != nil {
		c.keep(err)
		return false
	}
	if len(c.group) == 0 {
		return true // acknowledged or dropped meanwhile
	}
	err := c.write()
	if err != nil && !isFull(err) {
		err = c.write() // the segment that failed is sealed: this is a new one
	}
	if err != nil {
		c.keep(err)
		return false
	}
	return true
}

// prepare collects a group for which the active segment, or a new one, has room. The group
// is empty if there is nothing to write.
func (c *committer) prepare() error {
	for cleaned := false; ; {
		c.mu.Lock()
		c.group = c.group[:0]
		if c.mem.len() == 0 {
			c.mu.Unlock()
			return nil
		}
		first := c.mem.at(0)
		need := c.box.frameLen(first.data)
		if c.active != nil && !c.takes(first, need) {
			c.mu.Unlock()
			_ = c.seal() // it is reported; later records go into another file
			continue
		}
		room := c.cfg.MaxBytes - c.disk
		if c.active == nil {
			room -= headerSize
		}
		if need <= room {
			c.collect(min(room, groupBytes, c.cfg.SegmentBytes-c.position()))
			c.mu.Unlock()
			return nil
		}
		acked := c.active != nil && c.active.last <= c.floor()
		trash := len(c.trash)
		more := c.cfg.DropOldest && len(c.segs) > 0 && need+headerSize <= c.cfg.MaxBytes
		c.mu.Unlock()
		switch {
		case acked:
			_ = c.seal()
			cleaned = false
		case trash > 0 && !cleaned:
			c.clean()
			cleaned = true
		case trash == 0 && more:
			c.dropOldest("spool full")
			cleaned = false
		default:
			return ErrFull
		}
	}
}

// takes reports whether e can go into the active segment. Callers must hold mu.
func (c *committer) takes(e *entry, need int64) bool {
	return e.seq == c.active.last+1 && c.active.end+need <= c.cfg.SegmentBytes &&
		(c.cfg.MaxAge == 0 || time.Since(c.active.born) < c.cfg.MaxAge/8)
}

// position returns the offset of the next group in its segment.
func (c *committer) position() int64 {
	if c.active == nil {
		return headerSize
	}
	return c.active.end
}

// collect takes the first records in memory, as many as follow one another and fit into
// limit, but at least one. Callers must hold mu.
func (c *committer) collect(limit int64) {
	n := c.mem.len()
	for i := range n {
		e := c.mem.at(i)
		limit -= c.box.frameLen(e.data)
		if i > 0 && (limit < 0 || e.seq != c.group[i-1].seq+1) {
			n = i
			break
		}
		c.group = append(c.group, *e)
	}
	c.mem.take(n)
}

// write puts the group on disk and makes it readable. After an error the disk is as
// before: the written part is cut off, or its segment is ended.
func (c *committer) write() error {
	seg, begin := c.active, int64(0)
	c.buf = c.buf[:0]
	if seg == nil {
		var err error
		if seg, err = c.create(); err != nil {
			return err
		}
	} else {
		begin = seg.end
	}
	for i := range c.group {
		c.buf = c.box.appendFrame(c.buf, &c.origin, &c.group[i])
	}
	if _, err := c.file.WriteAt(c.buf, begin); err != nil {
		c.undo(seg, begin, err)
		return err
	}
	if c.cfg.Policy == Group {
		if err := c.flush(); err != nil {
			c.abandon(seg, begin+int64(len(c.buf)))
			return err
		}
		c.note(c.group[len(c.group)-1].seq)
	}
	c.publish(seg, begin+int64(len(c.buf)))
	if cap(c.buf) > 2*groupBytes {
		c.buf = nil
	}
	return nil
}

// create makes the file of the next segment and puts its header into buf. The cursor file
// must exist before any segment: on a disk that is full by then, acknowledgements could not
// be stored, and so no segment could ever be removed.
func (c *committer) create() (*segment, error) {
	c.mu.Lock()
	next := c.progress(c.synced)
	c.mu.Unlock()
	if err := c.cursor.make(next); err != nil {
		return nil, err
	}
	seg := &segment{fs: c.cfg.FS, origin: c.origin, first: c.group[0].seq, start: headerSize, born: time.Now()}
	if seg.first != c.copyOf {
		c.copyOf, c.copies = seg.first, 0
	}
	for ; ; c.copies++ {
		seg.name = segmentName(seg.first, c.copies)
		file, err := c.cfg.FS.OpenFile(seg.name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if err == nil {
			c.file, c.named = file, false
			break
		}
		if !errors.Is(err, fs.ErrExist) || c.copies == maxCopies {
			return nil, fmt.Errorf("seglog: begin a segment: %w", err)
		}
	}
	c.copies++ // never reuse a freed name: its old file may come back after a loss of power
	c.mu.Lock()
	c.active = seg
	follows := min(c.written, seg.first-1)
	c.mu.Unlock()
	c.buf = appendHeader(c.buf, header{origin: seg.origin, first: seg.first, created: seg.born, follows: follows, clock: c.clock.at(seg.born)})
	return seg, nil
}

// maxCopies limits the suffix of files with the same first record.
const maxCopies = 999999

// flush syncs the active file and then, once, its name: the file counts only with both.
func (c *committer) flush() error {
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("seglog: sync a segment: %w", err)
	}
	if !c.named {
		if err := c.cfg.FS.Sync(); err != nil {
			return fmt.Errorf("seglog: sync the folder: %w", err)
		}
		c.named = true
	}
	return nil
}

// undo cuts off a group that was not written whole. Only a full disk is believed to be
// sound after that.
func (c *committer) undo(seg *segment, begin int64, err error) {
	if isFull(err) && begin > 0 && c.file.Truncate(begin) == nil {
		return
	}
	c.abandon(seg, begin+int64(len(c.buf)))
}

// abandon closes the active segment after an error; size is the greatest length its file may
// have. The file is never synced again: after a failed sync a later success proves nothing.
// A file without records is removed.
func (c *committer) abandon(seg *segment, size int64) {
	_ = c.file.Close() // it failed before
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mistrust()
	c.active, c.file = nil, nil
	c.disk += size - seg.size
	seg.size = size
	if seg.end == 0 {
		seg.gone, seg.empty = true, true
		c.trash = append(c.trash, seg)
	}
}

// publish makes the group readable and releases its memory.
func (c *committer) publish(seg *segment, end int64) {
	c.mu.Lock()
	defer c.unlock()
	last := c.group[len(c.group)-1]
	if seg.end == 0 {
		c.segs = append(c.segs, seg)
	}
	c.disk += end - seg.size
	seg.last, seg.end, seg.size = last.seq, end, end
	seg.noted(c.group[0].seq, c.group[0].at)
	c.written = last.seq
	if c.cfg.Policy == Group {
		c.synced = last.seq
	} else if c.dirty.IsZero() {
		c.dirty = time.Now()
	}
	for i := range c.group {
		if e := &c.group[i]; e.seq > c.acked {
			c.recent.add(e)
		}
	}
	clear(c.group)
	c.freed += c.mem.done(last.seq)
	c.oldest = time.Now()
	if c.serving() {
		c.full, c.err = false, nil
		c.report(Event{Kind: Restored})
	}
	c.wake()
	notify(c.changed)
}

// keep leaves the group in memory because of err, and schedules the next try.
func (c *committer) keep(err error) {
	c.mu.Lock()
	defer c.unlock()
	clear(c.group)
	full := isFull(err)
	if !c.serving() || full != c.full {
		c.report(Event{Kind: Degraded, Err: err})
	}
	c.why = err
	if c.full = full; full {
		c.err = nil
	} else {
		c.err = err
	}
	c.retryAt, c.space, c.tried = time.Now().Add(retryDelay), false, c.appended
	notify(c.changed)
}

// isFull reports whether err means that there is no space, unlike the errors of a bad disk.
func isFull(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// sync makes the written records durable. After a failure it ends the segment: see abandon.
func (c *committer) sync() error {
	if c.dirty.IsZero() {
		return nil
	}
	err := c.flush()
	if err == nil {
		c.note(c.written)
	}
	c.mu.Lock()
	defer c.unlock()
	if err == nil {
		c.dirty = time.Time{}
		c.synced = c.written
		c.wake()
		return nil
	}
	c.mistrust()
	c.why = err
	_ = c.file.Close() // it failed before
	c.active, c.file = nil, nil
	c.retire()
	c.report(Event{Kind: Degraded, Err: err})
	return err
}

// mistrust marks the written but unsynced records as unsure: they may never reach the disk,
// and their memory is free. Sync does not return for them until they are acknowledged.
// Callers must hold mu.
func (c *committer) mistrust() {
	if c.dirty.IsZero() {
		return
	}
	c.dirty = time.Time{}
	if c.unsure.to <= c.acked {
		c.unsure.from = c.synced + 1
	}
	c.unsure.to = c.written
}

// seal syncs and ends the active segment; the next record begins a new one.
func (c *committer) seal() error {
	if c.active == nil {
		return nil
	}
	if err := c.sync(); err != nil {
		return err
	}
	err := c.file.Close()
	c.mu.Lock()
	defer c.unlock()
	c.active, c.file = nil, nil
	c.retire()
	return err
}
