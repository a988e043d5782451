package seglog

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// illDisk is a folder of which one file cannot be read in one place.
type illDisk struct {
	vfs.FS
	name  string
	place int64 // a byte that cannot be read
	fault error // nil: it can
}

func (d *illDisk) OpenFile(name string, flag int) (vfs.File, error) {
	f, err := d.FS.OpenFile(name, flag)
	if err != nil || name != d.name {
		return f, err
	}
	return illFile{f, d}, nil
}

type illFile struct {
	vfs.File
	disk *illDisk
}

func (f illFile) ReadAt(p []byte, offset int64) (int, error) {
	if d := f.disk; d.fault != nil && offset <= d.place && d.place < offset+int64(len(p)) {
		return 0, &fs.PathError{Op: "read", Path: d.name, Err: d.fault}
	}
	return f.File.ReadAt(p, offset)
}

// threeSegments is a folder with the records 1 to 30.
func threeSegments(t *testing.T) *vfs.Mem {
	disk := vfs.NewMem()
	putCursor(t, disk, cursor{})
	for at := 0; at < 30; at += 10 {
		h := header{origin: [16]byte{1}, first: uint64(at + 1), follows: uint64(at), created: time.Now()}
		put(t, disk, segmentName(uint64(at+1), 0), image(h, texts(at+1, 10)...))
	}
	return disk
}

func numbers(recs []Record) (seqs []uint64) {
	for _, r := range recs {
		seqs = append(seqs, r.Seq)
	}
	return seqs
}

// TestBadSector: what the disk cannot read is lost and counted, what is around it is
// not, and the file stays.
func TestBadSector(t *testing.T) {
	t.Parallel()
	frames := int64(len(image(header{first: 11, follows: 10, created: time.Now()}, texts(11, 10)...)) - headerSize)
	for _, c := range []struct {
		place int64
		lost  int64
	}{{0, 10}, {headerSize - 1, 10}, {headerSize, 10}, {headerSize + frames/10, 9}, {headerSize + frames/2, 5}, {headerSize + frames - 1, 1}} {
		mem := threeSegments(t)
		name := segmentName(11, 0)
		disk := &illDisk{FS: mem, name: name, place: c.place, fault: syscall.EIO}
		for start := range 2 {
			l := open(t, Config{FS: disk, Quarantine: vfs.NewMem()})
			s := l.State()
			if s.Dropped[damage] != c.lost || s.Appended != 30 || s.Recovered != 30-c.lost {
				t.Errorf("byte %d, start %d: %+v", c.place, start, s)
			}
			recs := readAll(t, l)
			if len(recs) != 30-int(c.lost) || recs[9].Seq != 10 || recs[len(recs)-10].Seq != 21 {
				t.Errorf("byte %d, start %d: %v", c.place, start, numbers(recs))
			}
			if start == 1 {
				l.Ack(30)
			}
			closeLog(t, l)
		}
		if _, err := mem.OpenFile(name+unreadableSuffix, os.O_RDONLY); err != nil {
			t.Errorf("byte %d: %v", c.place, err)
		}
		if _, err := mem.OpenFile(name, os.O_RDONLY); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("byte %d: the segment is still there: %v", c.place, err)
		}
		l := open(t, Config{FS: disk})
		if s := l.State(); s.Unacked != 0 || len(s.Dropped) > 0 {
			t.Errorf("byte %d, at the end: %+v", c.place, s)
		}
	}
}

// A place in the last segment that can be read again gives its records back, and those
// that came later have other numbers.
func TestBadSectorThatHeals(t *testing.T) {
	t.Parallel()
	disk := &illDisk{FS: threeSegments(t), name: segmentName(21, 0), place: headerSize + 100, fault: syscall.EIO}
	l := open(t, Config{FS: disk})
	if recs := readAll(t, l); len(recs) < 20 || len(recs) >= 30 {
		t.Errorf("%d records with the bad place", len(recs))
	}
	syncLog(t, l, l.Append(numbered(31, 5)))
	closeLog(t, l)
	disk.fault = nil
	l = open(t, Config{FS: disk})
	recs := readAll(t, l)
	if s := l.State(); len(recs) != 35 || len(s.Dropped) > 0 {
		t.Fatalf("%v, %+v", numbers(recs), s)
	}
	for i, r := range recs {
		if string(r.Data) != string(numbered(i+1, 1)[0].Data) {
			t.Errorf("record %d is %q", r.Seq, r.Data)
		}
	}
	l.Ack(recs[34].Seq)
}

// What may be over at the next start leaves everything as it is.
func TestStartFailsForWhatMayPass(t *testing.T) {
	t.Parallel()
	for _, place := range []int64{0, headerSize + 100} {
		disk := &illDisk{FS: threeSegments(t), name: segmentName(11, 0), place: place, fault: syscall.EMFILE}
		if _, err := Open(Config{FS: disk}); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("byte %d: %v", place, err)
		}
		disk.fault = nil
		wantRecords(t, readAll(t, open(t, Config{FS: disk})), 1, 30)
	}
}
