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
	// Records counts what is whole and not acknowledged, Bytes the length of its data, and
	// Oldest is when the segment of the oldest was begun, zero if there is none.
	Records int64
	Bytes   int64
	Oldest  time.Time
	// Torn is how many bytes behind the last records were not written to their end, as a
	// crash or a writer at work leaves them. Nothing is lost by it.
	Torn int64
	// Damage lists what is lost, or cannot be read.
	Damage []Damage
}

// Damage is a place in a file that is not what was written.
type Damage struct {
	File   string
	Offset int64  // in bytes
	Lost   uint64 // records that are not acknowledged
	Err    error  // why nothing of the file can be read; nil if the rest can
}

// String says in one line what is damaged.
func (d Damage) String() string {
	if d.Err != nil {
		return fmt.Sprintf("%s: %v", d.File, d.Err)
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

	last     uint64 // of the records that were seen, acknowledged ones included
	tail     Damage // where the records of the segment before ended
	vanished bool   // segments before were removed since the folder was listed
}

// run lists the segments before it reads the cursor: so what was removed before is
// acknowledged by that cursor.
func (i *inspector) run() error {
	infos, err := i.folder.ReadDir()
	if err != nil {
		return fmt.Errorf("seglog: %w", err)
	}
	var names []string
	var firsts []uint64
	for _, info := range infos {
		if first, _, ok := parseName(info.Name); ok {
			names, firsts = append(names, info.Name), append(firsts, first)
			i.DiskBytes += info.Size
		}
	}
	i.Segments = len(names)
	i.cursor()
	i.last = i.Acked
	for n, name := range names {
		before := uint64(maxSeq)
		if n+1 < len(names) {
			before = firsts[n+1]
		}
		if err := i.file(name, before); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspector) cursor() {
	c := cursorFile{fs: i.folder}
	defer c.close()
	acked, err := c.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.Damage = append(i.Damage, Damage{File: cursorName, Err: err})
	}
	i.Acked = acked
}

// file reads a segment up to the record before: from there on the next segment has
// them, a second time if the first one's sync failed.
func (i *inspector) file(name string, before uint64) error {
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
	if n, err := f.ReadAt(b, 0); errors.Is(err, io.EOF) {
		i.Torn += int64(n) // not even the header was written
		return nil
	} else if err != nil {
		return fmt.Errorf("seglog: inspect %s: %w", name, err)
	}
	h, err := parseHeader(b)
	if err != nil {
		i.Damage = append(i.Damage, Damage{File: name, Err: err})
		i.vanished = true // how far it went cannot be told
		return nil
	}
	i.follow(&h)
	return i.records(f, name, size, &h, before)
}

// follow compares where the records before have ended with where they should have.
func (i *inspector) follow(h *header) {
	if h.follows > i.last && !i.vanished {
		i.tail.Lost = h.follows - i.last
		if i.tail.File == "" {
			i.tail.Err = errors.New("seglog: segments before the first one are missing")
		}
		i.Damage = append(i.Damage, i.tail)
	}
	i.last, i.vanished = max(i.last, h.follows), false
}

func (i *inspector) records(f vfs.File, name string, size int64, h *header, before uint64) error {
	s := &i.scan
	s.window = window{file: f, end: size, buf: s.buf[:0], spare: s.spare, base: headerSize}
	s.expect, s.limit, s.good, s.chunk = max(h.first, i.last+1), maxSeq, headerSize, readBytes
	if h.first <= i.Acked {
		s.expect = h.first // so that damage among what is acknowledged is passed over
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
		if from, to := max(expect, i.Acked+1), min(r.seq, before); from < to {
			i.Damage = append(i.Damage, Damage{File: name, Offset: good, Lost: to - from})
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
	i.Torn += size - s.good
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
