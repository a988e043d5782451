package seglog

import (
	"errors"
	"syscall"
)

// unreadableSuffix is appended to the name of a segment that the disk cannot read, when it
// would be removed otherwise. No log reads or removes such a file.
const unreadableSuffix = ".bad"

// isUnreadable reports whether err is a permanent read error, unlike errors that a restart
// may clear, such as too many open files.
func isUnreadable(err error) bool { return errors.Is(err, syscall.EIO) }

// skipUnseen leaves out the numbers of the records that may be in the unreadable part of the
// last segment: should it become readable one day, no other record has their numbers.
func (l *Log) skipUnseen() {
	if len(l.segs) == 0 {
		return
	}
	seg := l.segs[len(l.segs)-1]
	if !seg.unreadable {
		return
	}
	most := uint64(seg.size-seg.end) / minFrame
	most -= min(most, l.appended-seg.last) // of those it is known that they are lost
	l.doubt(l.appended+1, l.appended+most)
	l.appended += most
}
