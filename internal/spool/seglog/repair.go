package seglog

import (
	"errors"
	"os"
)

// keepCopy copies a damaged segment to quarantine. Whether that works or not, its remaining
// records are read.
func (l *Log) keepCopy(f *found, why error) {
	if !f.unreadable { // a copy would fail
		_ = l.quarantine(f.name, f.name, 0, why)
	}
}

// repair writes a sound header, so that the next start does not depend on other files to
// know the segment. If that fails, the next start finds it as it is now.
func (l *Log) repair(f *found, at uint64) {
	if f.nameless {
		f.follows, f.clock = min(at, f.first-1), l.clock.base
	}
	file, err := l.cfg.FS.OpenFile(f.name, os.O_RDWR)
	if err != nil {
		return
	}
	h := header{origin: f.origin, first: f.first, created: f.born, follows: f.follows, clock: f.clock, start: f.start}
	if _, err := file.WriteAt(appendHeader(nil, h), 0); err == nil {
		_ = file.Sync()
	}
	_ = file.Close()
}

// takeAway moves a segment that cannot be read to quarantine; if that fails it stays
// where it is.
func (l *Log) takeAway(f *found) {
	l.disk -= f.size
	if f.unreadable {
		_ = l.cfg.FS.Rename(f.name, f.name+unreadableSuffix) // the next start finds it again
		return
	}
	if f.size > 0 {
		if err := l.quarantine(f.name, f.name, 0, f.bad); err != nil {
			l.report(Event{Kind: Damaged, Name: f.name, Err: errors.Join(f.bad, err)})
			return
		}
	}
	_ = l.cfg.FS.Remove(f.name) // the next start finds it again, and the copy
}

// trimTail cuts off the bytes that a crash left after the last record, and syncs the records
// before them: the run that wrote them may have ended before its own sync.
func (l *Log) trimTail() {
	if len(l.segs) == 0 {
		return
	}
	seg := l.segs[len(l.segs)-1]
	err := l.trim(seg)
	if err == nil {
		err = l.cfg.FS.Sync()
	}
	if err != nil {
		l.unsure, l.com.why = span{l.acked + 1, seg.last}, err
		l.report(Event{Kind: Degraded, Err: err})
	}
}

// trim copies the tail of a segment to quarantine before it cuts the tail off, and then syncs
// the file. If the copy fails, the tail stays for the next start.
func (l *Log) trim(seg *segment) error {
	file, err := l.cfg.FS.OpenFile(seg.name, os.O_RDWR)
	if err != nil {
		return err
	}
	if tail := seg.size - seg.end; tail > 0 && !seg.unreadable {
		if err = l.quarantine(seg.name, seg.name+".tail", seg.end, errTail); err == nil {
			err = file.Truncate(seg.end)
		}
		if err == nil {
			l.disk -= tail
			seg.size = seg.end
		}
	}
	return errors.Join(err, file.Sync(), file.Close())
}
