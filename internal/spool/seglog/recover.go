package seglog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// found describes a segment file during recovery.
type found struct {
	*segment
	nth      int // of the files with the same first record
	follows  uint64
	clock    time.Duration // when it was begun; 0: not known
	gaps     []span        // records lost inside
	torn     bool          // there is something behind the last valid frame
	header   error         // of a header that is damaged; the frames are read all the same
	hint     [16]byte      // the bytes in place of the origin, if the header is lost
	old      bool          // it is of version 1 or 2, by its first frame
	nameless bool          // the header is lost: follows and clock are not known, and the origin is a guess
	bad      error         // why it cannot be read
	readErr  error         // why it cannot be read from end on
}

// recover restores the state of the log from its folder. Nobody else has the log yet, so it
// holds no lock. Content never makes it fail. A folder or file that the system does not let
// it read does: that may pass by the next start, and nothing was changed.
func (l *Log) recover() error {
	files, err := l.cfg.FS.ReadDir()
	if err != nil {
		return err
	}
	cursor := &l.com.cursor
	err = cursor.load()
	missing := errors.Is(err, fs.ErrNotExist)
	if err == nil && !cursor.sure {
		err = errSlot
	}
	if err != nil && !missing {
		l.report(Event{Kind: Damaged, Name: cursorName, Err: err})
	}
	l.acked = cursor.last.acked
	l.stored = l.acked
	all, err := l.inspectAll(files)
	if err != nil {
		return err
	}
	if missing && len(all) > 0 { // it is made before the first segment
		l.report(Event{Kind: Damaged, Name: cursorName, Err: errCursor})
	}
	live, err := l.scanAll(all)
	if err != nil {
		return err
	}
	at := l.link(live)
	if l.lose(at+1, cursor.last.last) > 0 {
		at = cursor.last.last
	}
	l.trimTail()
	l.appended = max(at, l.acked)
	l.written, l.synced = l.appended, l.appended
	l.skipUnseen()
	l.settle()
	l.recovery = int64(l.appended-l.acked) - l.gaps.count(l.acked+1, l.appended)
	l.mu.Lock()
	l.unlock() // reports the events of the recovery
	return nil
}

// inspectAll reads the headers of all segments, and returns them in order.
func (l *Log) inspectAll(files []vfs.Info) ([]*found, error) {
	var all []*found
	latest := time.Duration(0)
	for _, info := range files {
		first, nth, ok := parseName(info.Name)
		if !ok || !info.Regular {
			continue
		}
		f, err := l.inspect(info, first)
		if errors.Is(err, vfs.ErrUnsafe) {
			l.report(Event{Kind: Damaged, Name: info.Name, Err: err}) // not ours: left alone
			continue
		}
		if err != nil {
			return nil, err
		}
		f.nth = nth
		latest = max(latest, f.clock)
		all = append(all, f)
	}
	l.clock.resume(l.com.cursor.last.stamp, latest)
	for _, f := range all {
		f.born = l.clock.moment(f.clock)
	}
	slices.SortFunc(all, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.nth, b.nth))
	})
	return all, nil
}

// inspect reads the header of a segment.
func (l *Log) inspect(info vfs.Info, first uint64) (*found, error) {
	f := &found{segment: &segment{fs: l.cfg.FS, name: info.Name, first: first, size: info.Size}}
	var b [headerSize]byte
	n, err := readStart(l.cfg.FS, info.Name, b[:])
	if isUnreadable(err) {
		f.unreadable, f.bad = true, err
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", info.Name, err)
	}
	h, damaged, err := readHeader(b[:n])
	switch {
	case errors.Is(err, errHeader):
		f.header, f.nameless, f.start = err, true, blockSize
		f.old = bytes.HasPrefix(b[blockSize:], []byte(frameMagic))
		f.hint = [16]byte(b[16:])
		return f, nil
	case err != nil:
		f.bad = err
		return f, nil
	case damaged:
		f.header = errHeader
	}
	f.origin, f.first, f.follows, f.clock, f.start = h.origin, h.first, h.follows, h.clock, h.start
	return f, nil
}

// readStart reads the first bytes of a file, fewer only where it has no more.
func readStart(folder vfs.FS, name string, b []byte) (int, error) {
	file, err := folder.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	n, err := file.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// scanAll reads the frames of all segments that are not wholly acknowledged, and returns
// those that have any, or had.
func (l *Log) scanAll(all []*found) ([]*found, error) {
	var buf scanner // its buffers serve all segments
	var live []*found
	for i, f := range all {
		l.disk += f.size
		if i+1 < len(all) && l.isDone(f, all[i+1]) {
			l.trash = append(l.trash, f.segment)
			continue
		}
		if f.bad == nil {
			if err := f.scan(&buf, func(first *frame, offset int64) { l.name(f, first, offset, all) }); err != nil {
				return nil, err
			}
		}
		if f.unreadable {
			l.report(Event{Kind: Damaged, Name: f.name, Err: cmp.Or(f.readErr, f.bad)})
		}
		if f.header != nil && f.bad == nil && f.size > 0 {
			l.keepCopy(f, f.header)
		}
		if f.bad == nil && f.last == 0 {
			if f.torn {
				l.keepCopy(f, errTail)
			}
			l.trash = append(l.trash, f.segment)
			continue
		}
		live = append(live, f)
	}
	return live, nil
}

// isDone reports whether all records of a segment are acknowledged, judging by the next
// segment. That one counts only if the run that began it knew the records of f; a segment
// of an earlier run proves nothing.
func (l *Log) isDone(f, next *found) bool {
	return f.bad == nil && next.bad == nil && next.first <= l.acked+1 && next.follows >= f.first
}

// name gives a segment without a header its origin, by its first frame.
func (l *Log) name(f *found, first *frame, offset int64, all []*found) {
	if !f.nameless {
		return
	}
	if !f.old && offset >= headerSize {
		f.start = headerSize
	}
	known := [][16]byte{f.hint, l.com.cursor.last.origin}
	for _, other := range all {
		if !other.nameless && other.bad == nil {
			known = append(known, other.origin)
		}
	}
	var ok bool
	if f.origin, ok = l.box.originOf(first, known); !ok {
		f.bad = errOrigin
	}
}

// scan reads the frames of a segment, and shows the first one.
func (f *found) scan(s *scanner, show func(first *frame, offset int64)) error {
	file, err := f.fs.OpenFile(f.name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	*s = scanner{
		window: window{file: file, buf: s.buf[:0], spare: s.spare, base: f.start, end: f.size},
		expect: f.first, limit: f.first + 1<<32, good: f.start, chunk: 1 << 20,
	}
	for {
		expect := s.expect
		frame, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if isUnreadable(err) && s.chunk > 1 {
			s.chunk = 1 // the frames before the unreadable place can be read one by one
			continue
		}
		if isUnreadable(err) {
			f.unreadable, f.readErr = true, err
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.name, err)
		}
		if f.last == 0 {
			show(&frame, s.offset()-int64(frame.size()))
		}
		if frame.seq > expect {
			f.gaps = append(f.gaps, span{expect, frame.seq - 1})
		}
		f.last = frame.seq
	}
	f.end, f.torn = s.good, s.good < f.size
	if f.unreadable && f.last == 0 {
		f.bad = f.readErr
	}
	return nil
}

// link joins the segments into one sequence, counts missing numbers, and returns the last
// known number. It moves segments that cannot be read out of the way.
func (l *Log) link(live []*found) (at uint64) {
	cutCopies(live)
	at = l.acked
	var before *found
	for _, f := range live {
		if f.bad != nil && f.last > at { // sealed, and nothing opens it any more
			l.doubt(at+1, f.first-1)
			l.lose(max(at+1, f.first), f.last)
			at = f.last
		}
		if f.bad != nil {
			l.takeAway(f)
			continue
		}
		switch {
		case f.nameless:
			l.doubt(at+1, f.first-1) // they were lost, or dropped before they were written
		case l.lose(at+1, f.follows) > 0 && before != nil && before.torn:
			l.keepCopy(before, errTail)
		}
		if l.missing(f, at) > 0 {
			l.keepCopy(f, errFrame)
		}
		before = f
		if f.last <= at {
			l.trash = append(l.trash, f.segment)
			continue
		}
		if f.header != nil {
			l.repair(f, at)
		}
		at = f.last
		l.segs = append(l.segs, f.segment)
	}
	return at
}

// lose counts numbers of records that were written and are missing now, and returns how many
// are new. If the cursor is incomplete they may have been delivered, so they are unknown.
func (l *Log) lose(from, to uint64) int64 {
	if !l.com.cursor.sure {
		return l.doubt(from, to)
	}
	return l.drop(from, to, damage)
}

// cutCopies ends each segment where the next one of the same run begins: after an error
// the run wrote those records again, and only the later copy is known to be durable. Runs
// do not share numbers, so a segment without a header is of the run with which it does;
// of two copies, the one that has a header counts, or else the earlier one.
func cutCopies(live []*found) {
	var before *found
	for _, f := range live {
		if f.bad != nil && f.last == 0 {
			continue
		}
		switch {
		case before == nil || before.last < f.first:
		case f.nameless:
			f.origin, f.first = before.origin, before.last+1
			if f.last < f.first {
				continue
			}
		case before.nameless || before.origin == f.origin:
			before.origin, before.last = f.origin, f.first-1
		}
		before = f
	}
}

// missing counts the lost numbers of a segment, given that everything up to at is known.
func (l *Log) missing(f *found, at uint64) (lost int64) {
	l.gaps.add(max(at, f.follows)+1, f.first-1) // these were never on disk
	for _, g := range f.gaps {
		lost += l.lose(max(at+1, g.from), min(g.to, f.last))
	}
	// Two runs used the same numbers, which only a folder put together by hand has.
	// They cannot both be read.
	if from, to := max(f.first, l.acked+1), min(at, f.last); from <= to {
		n := int64(to - from + 1)
		lost += n
		l.dropped[damage] += n
		l.report(Event{Kind: Damaged, Reason: damage, Count: n})
	}
	return lost
}
