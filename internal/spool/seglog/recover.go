package seglog

import (
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

// found is what recovery knows of a segment file.
type found struct {
	*segment
	nth     int // of the files with the same first record
	follows uint64
	claims  uint64 // the last record in a segment that cannot be read for its header
	gaps    []span // records lost inside
	torn    bool   // there is something behind the last valid frame
	bad     error  // why it cannot be read
	illness error  // why it cannot be read from end on
}

// recover finds out what is in the folder. Nobody else has the log yet, so it holds no
// lock. Content never makes it fail, only a folder or
// a file that the system does not let it read: that may be over at the next start, when
// everything will still be there.
func (l *Log) recover() error {
	files, err := l.cfg.FS.ReadDir()
	if err != nil {
		return err
	}
	l.acked, err = l.com.cursor.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.report(Event{Kind: Degraded, Reason: cursorName, Err: err})
	}
	l.stored = l.acked
	var all []*found
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
			return err
		}
		f.nth = nth
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.nth, b.nth))
	})
	live, err := l.scanAll(all)
	if err != nil {
		return err
	}
	at := l.link(live)
	l.trimTail()
	l.appended = max(at, l.acked)
	l.written, l.synced = l.appended, l.appended
	l.skipUnseen()
	l.settle()
	l.recovery = int64(l.appended-l.acked) - l.gaps.count(l.acked+1, l.appended)
	l.mu.Lock()
	l.unlock() // tells what was found
	return nil
}

// inspect reads the header of a segment.
func (l *Log) inspect(info vfs.Info, first uint64) (*found, error) {
	now := time.Now()
	f := &found{segment: &segment{fs: l.cfg.FS, name: info.Name, first: first, created: now, born: now, size: info.Size}}
	var b [headerSize]byte
	n, err := readStart(l.cfg.FS, info.Name, b[:])
	if isIll(err) {
		f.ill, f.bad = true, err
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", info.Name, err)
	}
	h, err := parseHeader(b[:n])
	if err != nil {
		f.bad = err
		return f, nil
	}
	f.origin, f.first, f.follows, f.created = h.origin, h.first, h.follows, h.created
	f.born = now.Add(-max(0, now.Sub(h.created)))
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
		if i+1 < len(all) && all[i+1].first <= l.acked+1 && f.bad == nil && all[i+1].bad == nil {
			l.trash = append(l.trash, f.segment)
			continue
		}
		if f.bad == nil || errors.Is(f.bad, errHeader) {
			if err := f.scan(&buf); err != nil {
				return nil, err
			}
		}
		if f.ill {
			l.report(Event{Kind: Damaged, Name: f.name, Err: cmp.Or(f.illness, f.bad)})
		}
		if f.bad == nil && f.last == 0 {
			if f.torn {
				l.keepCopy(f)
			}
			l.trash = append(l.trash, f.segment)
			continue
		}
		live = append(live, f)
	}
	return live, nil
}

// scan reads the frames of a segment.
func (f *found) scan(s *scanner) error {
	file, err := f.fs.OpenFile(f.name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	*s = scanner{
		window: window{file: file, buf: s.buf[:0], spare: s.spare, base: headerSize, end: f.size},
		expect: f.first, limit: f.first + 1<<32, good: headerSize, chunk: 1 << 20,
	}
	if f.bad != nil {
		s.expect, s.limit = 0, maxSeq // not even the number in the name is certain
	}
	for {
		expect := s.expect
		frame, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if isIll(err) && s.chunk > 1 {
			s.chunk = 1 // what is in front of the place can be read, one by one
			continue
		}
		if isIll(err) {
			f.ill, f.illness = true, err
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.name, err)
		}
		if expect == 0 {
			f.first = min(f.first, frame.seq)
		} else if frame.seq > expect {
			f.gaps = append(f.gaps, span{expect, frame.seq - 1})
		}
		f.last = frame.seq
	}
	f.end, f.torn = s.good, s.good < f.size
	if f.ill && f.last == 0 && f.bad == nil {
		f.bad = f.illness
	}
	if f.bad != nil {
		f.claims, f.last = f.last, 0
	}
	return nil
}

// link makes one sequence of the segments, counts what is missing, and returns the last
// number that anything is known of. It takes the unreadable segments away.
func (l *Log) link(live []*found) (at uint64) {
	cutCopies(live)
	at = l.acked
	var before *found
	for _, f := range live {
		if f.bad != nil {
			continue
		}
		if l.drop(at+1, f.follows, damage) > 0 && before != nil && before.torn {
			l.keepCopy(before)
		}
		if l.missing(f, at) > 0 {
			l.keepCopy(f)
		}
		before = f
		if f.last <= at {
			l.trash = append(l.trash, f.segment)
			continue
		}
		at = f.last
		l.segs = append(l.segs, f.segment)
	}
	for _, f := range live {
		if f.bad != nil {
			at = l.unreadable(f, at)
			l.takeAway(f)
		}
	}
	return at
}

// keepCopy copies a damaged segment to quarantine; what is left of it is read all the
// same, whether that works or not.
func (l *Log) keepCopy(f *found) {
	if !f.ill { // a copy would fail
		_ = l.quarantine(f.name, f.name, 0, errFrame)
	}
}

// unreadable counts the records of a segment without a header that no other segment has.
func (l *Log) unreadable(f *found, at uint64) uint64 {
	if f.claims > at {
		l.gaps.add(at+1, f.first-1) // these were never on disk
	}
	from := f.first
	for _, seg := range l.segs {
		if from <= seg.last {
			l.drop(from, min(seg.first-1, f.claims), damage)
			from = max(from, seg.last+1)
		}
	}
	l.drop(from, f.claims, damage)
	return max(at, f.claims)
}

// cutCopies ends each segment where the next one of the same run begins: after an error
// the run wrote those records again, and only the later copy is known to be durable.
func cutCopies(live []*found) {
	var before *found
	for _, f := range live {
		if f.bad != nil {
			continue
		}
		if before != nil && before.origin == f.origin {
			before.last = min(before.last, f.first-1)
		}
		before = f
	}
}

// missing counts what is lost in a segment, if everything up to at is known.
func (l *Log) missing(f *found, at uint64) (lost int64) {
	l.gaps.add(max(at, f.follows)+1, f.first-1) // these were never on disk
	for _, g := range f.gaps {
		lost += l.drop(max(at+1, g.from), min(g.to, f.last), damage)
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

// takeAway moves a segment that cannot be read to quarantine; if that fails it stays
// where it is.
func (l *Log) takeAway(f *found) {
	l.disk -= f.size
	if f.ill {
		_ = l.cfg.FS.Rename(f.name, f.name+illSuffix) // the next start finds it again
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

// trimTail cuts off what a crash left behind the last record, and makes durable what is
// before it: the run that wrote it may not have come to it.
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

func (l *Log) trim(seg *segment) error {
	file, err := l.cfg.FS.OpenFile(seg.name, os.O_RDWR)
	if err != nil {
		return err
	}
	if tail := seg.size - seg.end; tail > 0 && !seg.ill {
		if err = l.quarantine(seg.name, seg.name+".tail", seg.end, errFrame); err == nil {
			err = file.Truncate(seg.end)
		}
		if err == nil {
			l.disk -= tail
			seg.size = seg.end
		}
	}
	return errors.Join(err, file.Sync(), file.Close())
}
