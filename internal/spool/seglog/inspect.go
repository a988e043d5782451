package seglog

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Inspection describes the files of a log at about one moment.
type Inspection struct {
	// Acked is the cursor: everything up to it is acknowledged or dropped.
	Acked uint64
	// Segments counts the segment files, and DiskBytes their length.
	Segments  int
	DiskBytes int64
	// Records counts the intact records that are not acknowledged, and Bytes the length of
	// their data. Oldest is when the segment of the oldest was begun, by the clock of the
	// log; zero if there are no records.
	Records int64
	Bytes   int64
	Oldest  time.Time
	// Torn is the number of bytes after the last records that are no whole frame, as a
	// crash or an active writer leaves them. No record is lost by it.
	Torn int64
	// Damage lists the places that are lost or unreadable.
	Damage []Damage
}

// Damage is a place in a file that differs from the bytes that were written.
type Damage struct {
	File    string
	Offset  int64  // in bytes
	Lost    uint64 // records that are not acknowledged
	Unknown uint64 // numbers of which nobody can say whether lost records had them
	Err     error  // the fault of the file as a whole; nil if the fault is at Offset
}

// String describes the damage in one line.
func (d Damage) String() string {
	switch {
	case d.Err != nil && d.Lost > 0:
		return fmt.Sprintf("%s: %v: %d records are lost", d.File, d.Err, d.Lost)
	case d.Err != nil && d.Unknown > 0:
		return fmt.Sprintf("%s: %v: up to %d records may be lost", d.File, d.Err, d.Unknown)
	case d.Err != nil:
		return fmt.Sprintf("%s: %v", d.File, d.Err)
	case d.Unknown > 0:
		return fmt.Sprintf("%s at byte %d: %d records are missing, which may have been delivered before", d.File, d.Offset, d.Unknown)
	}
	return fmt.Sprintf("%s at byte %d: %d records are lost", d.File, d.Offset, d.Lost)
}

// Inspect reads the log in a folder without changing it, beside a process that writes
// it or not. Each record that is not acknowledged is given to visit, if there is one,
// in order, until it returns false; opened is false where the record is sealed and aead
// does not open it, and then it has no Data. Data is valid until visit returns.
//
// Damage is no error. The error is why a file or the folder could not be read, and the
// description then ends there.
func Inspect(folder vfs.FS, aead cipher.AEAD, visit func(r Record, opened bool) bool) (Inspection, error) {
	sealer, err := newBox(aead)
	if err != nil {
		return Inspection{}, err
	}
	if visit == nil {
		visit = func(Record, bool) bool { return true }
	}
	i := inspector{folder: folder, box: sealer, visit: visit}
	err = i.run()
	if errors.Is(err, errEnough) {
		err = nil
	}
	return i.Inspection, err
}

// errEnough is returned inside an inspector when visit has seen enough.
var errEnough = errors.New("seglog: enough")

// inspector is the state of one Inspect.
type inspector struct {
	Inspection
	folder vfs.FS
	box    box
	visit  func(Record, bool) bool
	scan   scanner
	plain  []byte

	names    []string
	cursor   cursorFile // as it was before the folder was listed
	sure     bool       // the cursor was whole when it was read again
	clock    clock
	last     uint64 // of the records that were seen, acknowledged ones included
	tail     Damage // where the records of the segment before ended
	vanished bool   // segments before were removed since the folder was listed
}

var (
	errMissing = errors.New("seglog: segments are missing")
	errFront   = errors.New("seglog: what was in front of the first record is not known")
)

// run reads the cursor before and after it lists the segments: all records that the first
// one knows are in listed segments, and segments removed before the listing are
// acknowledged by the second.
func (i *inspector) run() error {
	i.cursor = cursorFile{fs: i.folder}
	_ = i.cursor.load() // read again below
	i.cursor.close()
	infos, err := i.folder.ReadDir()
	if err != nil {
		return fmt.Errorf("seglog: %w", err)
	}
	var firsts []uint64
	for _, info := range infos {
		if first, _, ok := parseName(info.Name); ok {
			i.names, firsts = append(i.names, info.Name), append(firsts, first)
			i.DiskBytes += info.Size
		}
	}
	i.Segments = len(i.names)
	i.acknowledged()
	i.last = i.Acked
	for n, name := range i.names {
		before := uint64(maxSeq)
		if n+1 < len(i.names) {
			before = firsts[n+1]
		}
		if err := i.file(name, firsts[n], before); err != nil {
			return err
		}
	}
	i.follow(i.cursor.last.last)
	return nil
}

// acknowledged reads the cursor.
func (i *inspector) acknowledged() {
	c := cursorFile{fs: i.folder}
	defer c.close()
	err := c.load()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
		if i.Segments > 0 {
			err = errCursor
		}
	}
	if err != nil {
		i.Damage = append(i.Damage, Damage{File: cursorName, Err: err})
	}
	i.Acked, i.sure = c.last.acked, c.sure
	i.clock = newClock(nil)
	i.clock.resume(c.last.stamp, 0)
}

// file reads a segment up to the record before: from there on the next segment has
// them, a second time if the first one's sync failed.
func (i *inspector) file(name string, first, before uint64) error {
	f, err := i.folder.OpenFile(name, os.O_RDONLY)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.vanished = true
		return nil
	case errors.Is(err, vfs.ErrUnsafe):
		i.Damage = append(i.Damage, Damage{File: name, Err: err})
		return nil
	case err != nil:
		return fmt.Errorf("seglog: inspect: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("seglog: inspect %s: %w", name, err)
	}
	b := make([]byte, headerSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("seglog: inspect %s: %w", name, err)
	}
	if n < blockSize {
		i.Torn += int64(n) // not even the header was written
		return nil
	}
	h, damaged, err := readHeader(b[:n])
	if errors.Is(err, errVersion) {
		i.Damage = append(i.Damage, Damage{File: name, Err: err})
		i.vanished = true // its last number is unknown
		return nil
	}
	if damaged {
		i.Damage = append(i.Damage, Damage{File: name, Err: errHeader})
	}
	if err != nil {
		h = header{first: first, created: time.Now(), start: blockSize}
		i.wonder(name, first-1)
		return i.records(f, name, size, &h, append(i.origins(), [16]byte(b[16:])), before)
	}
	if h.clock > 0 {
		i.clock.resume(stamp{}, h.clock)
		h.created = i.clock.moment(h.clock)
	}
	i.follow(h.follows)
	return i.records(f, name, size, &h, nil, before)
}

// follow compares where the records before have ended with where they should have: at
// last, at least.
func (i *inspector) follow(last uint64) {
	if last > i.last && !i.vanished {
		if i.tail.File == "" {
			i.tail.File, i.tail.Err = cursorName, errMissing
		}
		i.lose(i.tail, last-i.last)
	}
	i.last, i.vanished = max(i.last, last), false
}

// lose notes how many records are lost in a place. Where the cursor is not whole they may
// have been delivered.
func (i *inspector) lose(d Damage, n uint64) {
	if d.Lost = n; !i.sure {
		d.Lost, d.Unknown = 0, n
	}
	i.Damage = append(i.Damage, d)
}

// wonder passes over the numbers up to last of which nobody can say whether records had
// them.
func (i *inspector) wonder(file string, last uint64) {
	if last > i.last && !i.vanished {
		i.Damage = append(i.Damage, Damage{File: file, Err: errFront, Unknown: last - i.last})
	}
	i.last, i.vanished = max(i.last, last), false
}

// origins returns all that are known.
func (i *inspector) origins() [][16]byte {
	known := [][16]byte{i.cursor.last.origin}
	b := make([]byte, headerSize)
	for _, name := range i.names {
		if n, err := readStart(i.folder, name, b); err == nil {
			if h, _, err := readHeader(b[:n]); err == nil {
				known = append(known, h.origin)
			}
		}
	}
	return known
}

// records reads the frames of a segment. Its origin is one of known, if there are any.
func (i *inspector) records(f vfs.File, name string, size int64, h *header, known [][16]byte, before uint64) error {
	s := &i.scan
	s.window = window{file: f, end: size, buf: s.buf[:0], spare: s.spare, base: h.start}
	s.expect, s.limit, s.good, s.chunk = max(h.first, i.last+1), maxSeq, h.start, readBytes
	if h.first <= i.Acked {
		s.expect = h.first // so that damage among acknowledged records is skipped
	}
	for {
		expect, good := s.expect, s.good
		r, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("seglog: inspect %s: %w", name, err)
		}
		if known != nil {
			h.origin, _ = i.box.originOf(&r, known) // without a key nothing is opened anyway
			known = nil
		}
		if from, to := max(expect, i.Acked+1), min(r.seq, before); from < to {
			i.lose(Damage{File: name, Offset: good}, to-from)
		}
		if r.seq >= before {
			i.tail = Damage{File: name, Offset: good}
			i.last = max(i.last, before-1)
			return nil
		}
		i.last = max(i.last, r.seq)
		if r.seq > i.Acked && !i.record(h, &r) {
			return errEnough
		}
	}
	i.tail = Damage{File: name, Offset: s.good}
	i.Torn += max(0, size-s.good)
	return nil
}

// record counts a record and shows it.
func (i *inspector) record(h *header, f *frame) bool {
	if i.Records == 0 {
		i.Oldest = h.created
	}
	i.Records++
	i.Bytes += int64(f.dataLen())
	var data []byte
	var err error
	data, i.plain, err = i.box.open(i.plain[:0], &h.origin, f)
	return i.visit(Record{Origin: h.origin, Seq: f.seq, Kind: f.kind, Lane: f.lane, Data: data, Time: h.created}, err == nil)
}
