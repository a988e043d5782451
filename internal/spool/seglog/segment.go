package seglog

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// segment is one file of the log.
type segment struct {
	fs     vfs.FS // of the log
	name   string
	origin [16]byte
	first  uint64    // the number of its first record
	start  int64     // where its first frame begins
	born   time.Time // when it was begun, by the clock of the log

	last       uint64 // the last record that can be read; guarded by Log.mu, like all below
	end        int64  // where its frame ends
	size       int64  // of the file; bytes after end are not read
	gone       bool   // dropped or acknowledged: it will be removed
	unreadable bool   // the disk cannot read the part after end: the file is renamed instead of removed
	empty      bool   // it never had a record: removing it makes no space that was not there before
	marks      []mark
}

// mark says when the record seq was appended, and those after it up to the next mark.
type mark struct {
	seq uint64
	at  int64 // nanoseconds since Log.clock.began
}

const maxMarks = 256

// noted records when a group was appended: at most once a second, and more coarsely in a
// segment that fills slowly, so that the marks stay within maxMarks. Callers must hold mu.
func (s *segment) noted(seq uint64, at int64) {
	if n := len(s.marks); n > 0 && at-s.marks[n-1].at < int64(time.Second) {
		return
	}
	if len(s.marks) == maxMarks {
		for i := range maxMarks / 2 {
			s.marks[i] = s.marks[2*i]
		}
		s.marks = s.marks[:maxMarks/2]
	}
	s.marks = append(s.marks, mark{seq, at})
}

// timeOf returns when a record of a segment was appended, as precisely as the marks tell.
// Callers must hold mu.
func (l *Log) timeOf(s *segment, seq uint64) time.Time {
	i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].seq > seq })
	if i == 0 {
		return s.born
	}
	return l.clock.began.Add(time.Duration(s.marks[i-1].at))
}

// bytesAbove estimates how many bytes of records above seq it has.
func (s *segment) bytesAbove(seq uint64) int64 {
	bytes := s.end - s.start
	switch {
	case seq < s.first:
		return bytes
	case seq >= s.last:
		return 0
	}
	return int64(float64(bytes) * float64(s.last-seq) / float64(s.last-s.first+1))
}

const segmentSuffix = ".seg"

// segmentName is the name of a segment by its first record. nth is 0, or the number of
// other files with that first record that are there already: they sort in this order.
func segmentName(first uint64, nth int) string {
	if nth == 0 {
		return fmt.Sprintf("%020d%s", first, segmentSuffix)
	}
	return fmt.Sprintf("%020d_%06d%s", first, nth, segmentSuffix)
}

// parseName splits the name of a segment; ok is false if it is not one.
func parseName(name string) (first uint64, nth int, ok bool) {
	base, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(base) < 20 {
		return 0, 0, false
	}
	first, err := strconv.ParseUint(base[:20], 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if rest, more := strings.CutPrefix(base[20:], "_"); more {
		nth, err = strconv.Atoi(rest)
	}
	return first, nth, err == nil && segmentName(first, nth) == name
}

// find returns the first segment that has a record with a number of seq or more. Callers must
// hold mu.
func (l *Log) find(seq uint64) *segment {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].last >= seq })
	if i == len(l.segs) {
		return nil
	}
	return l.segs[i]
}

// retire moves the segments whose records are all done to the trash, except the one that
// the committer is writing. Callers must hold mu.
func (l *Log) retire() {
	floor := l.floor()
	for len(l.segs) > 0 && l.segs[0].last <= floor && l.segs[0] != l.com.active {
		l.discard()
	}
}

// discard puts the oldest segment into the trash. Callers must hold mu.
func (l *Log) discard() {
	seg := l.segs[0]
	seg.gone = true
	l.segs[0] = nil
	l.segs = l.segs[1:]
	l.trash = append(l.trash, seg)
}
