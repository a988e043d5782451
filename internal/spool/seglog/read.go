package seglog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// maxChunk is the most that a read asks of a file at once, unless a frame is longer.
const maxChunk = 4 << 20

// reader is the state of Read between calls: an open segment, and a place in it.
type reader struct {
	mu    sync.Mutex // held by Read, and by the committer while it removes a segment
	box   box        // guarded by mu, like all below
	seg   *segment   // nil if none is open
	file  vfs.File
	scan  scanner
	back  place  // where the last call began: a failed read starts there again
	plain []byte // opened payloads of this call
}

// place is where in a segment the record seq, or the first after it, begins.
type place struct {
	offset int64
	seq    uint64
}

// view is the part of a segment that a call may read.
type view struct {
	seg  *segment
	last uint64
	end  int64
}

// Read appends to dst the oldest readable records with a number of from or more, and
// returns it. They are of one origin, at most maxRecords, and the sum of their Data, one
// byte added for each, is at most maxBytes; but there is at least one if one is
// readable. Their Data is valid until the next Read.
//
// Written records are readable; so are records in memory while the disk does not accept
// them, except that during a new try only records of the previous tries are. A call with a
// lower from than the last one reads those records again. A damaged record is skipped and
// counted as dropped. After an error of the disk the call can be repeated, and nothing is
// lost. The other error is ErrClosed.
func (l *Log) Read(dst []Record, from uint64, maxRecords, maxBytes int) ([]Record, error) {
	l.rd.mu.Lock()
	defer l.rd.mu.Unlock()
	base := len(dst)
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return dst, ErrClosed
		}
		from = max(from, l.acked+1)
		if from <= l.dropTo {
			// The reader had these when their segment was dropped, and asks for them again.
			l.drop(from, l.dropTo, l.dropWhy)
			from = l.dropTo + 1
		}
		if dst = l.readRecent(dst, from, maxRecords, maxBytes); len(dst) > base {
			l.unlock()
			return dst, nil
		}
		seg := l.find(from)
		if seg == nil {
			dst = l.readMemory(dst, from, maxRecords, maxBytes)
			l.unlock()
			return dst, nil
		}
		v := view{seg: seg, last: seg.last, end: seg.end}
		l.unlock()

		var lost []span
		var err error
		dst, lost, err = l.rd.read(dst[:base], v, from, maxRecords, maxBytes)
		if !l.account(v, dst[base:], lost) {
			continue // it was dropped meanwhile, and counted
		}
		if err != nil || len(dst) > base {
			return dst, err
		}
		from = v.last + 1
	}
}

// readMemory appends the records readable in memory. Callers must hold mu.
func (l *Log) readMemory(dst []Record, from uint64, maxRecords, maxBytes int) []Record {
	if !l.serving() {
		return dst
	}
	i, end := l.mem.from(from), l.mem.len()
	if l.cfg.FS != nil && !time.Now().Before(l.retryAt) {
		// The disk is about to be tried again. A reader that is faster would take the
		// records away that the try needs.
		end = l.mem.from(l.tried + 1)
	}
	for begin := i; i < end && i-begin < maxRecords; i++ {
		e := l.mem.at(i)
		maxBytes -= len(e.data) + 1
		if maxBytes < 0 && i > begin {
			break
		}
		dst = append(dst, Record{Origin: l.origin, Seq: e.seq, Kind: e.kind, Lane: e.lane, Data: e.data, Time: l.clock.began.Add(time.Duration(e.at))})
		l.handed = max(l.handed, e.seq)
		l.read += int64(len(e.data))
	}
	l.mem.take(i)
	return dst
}

// InMemory returns the records that are in memory and not on disk, oldest first, whether
// they are readable or not. Unlike Read it does not take them: they can still be dropped.
func (l *Log) InMemory() []Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	items := make([]Item, l.mem.len())
	for i := range items {
		e := l.mem.at(i)
		items[i] = Item{Kind: e.kind, Lane: e.lane, Data: e.data, Cost: e.cost}
	}
	return items
}

// account records that recs were read and which numbers are lost. It returns false if the
// segment was dropped meanwhile: then nothing counts as read.
func (l *Log) account(v view, recs []Record, lost []span) bool {
	l.mu.Lock()
	defer l.unlock()
	if v.seg.gone {
		return false
	}
	for i := range recs {
		recs[i].Time = l.timeOf(v.seg, recs[i].Seq)
		l.read += int64(len(recs[i].Data))
	}
	if n := len(recs); n > 0 {
		l.handed = max(l.handed, recs[n-1].Seq)
	}
	for _, s := range lost {
		if l.drop(s.from, s.to, damage) > 0 {
			l.damaged = append(l.damaged, v.seg.name)
			notify(l.kick)
		}
	}
	return true
}

// read appends records of one segment, and returns which of them cannot be read.
func (r *reader) read(dst []Record, v view, from uint64, maxRecords, maxBytes int) ([]Record, []span, error) {
	err := r.open(v, from)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrUnsafe) {
		return dst, []span{{from, v.last}}, nil // it is not there any more, or not ours
	}
	if err != nil {
		return dst, nil, err
	}
	r.scan.chunk = min(max(maxBytes, readBytes), maxChunk)
	r.scan.use(false)
	r.back = place{r.scan.offset(), r.scan.expect}
	r.plain = r.plain[:0]
	var lost []span
	begin := len(dst)
	for len(dst)-begin < maxRecords {
		f, err := r.scan.next()
		if errors.Is(err, io.EOF) {
			if from <= v.last {
				lost = append(lost, span{from, v.last})
			}
			return dst, lost, nil
		}
		if err != nil {
			if len(dst) > begin {
				return dst, lost, nil // the next call meets the error again
			}
			return dst, lost, fmt.Errorf("seglog: read %s: %w", v.seg.name, err)
		}
		if f.seq < from {
			continue
		}
		if f.seq > from {
			lost = append(lost, span{from, f.seq - 1})
		}
		from = f.seq + 1
		maxBytes -= f.dataLen() + 1
		if maxBytes < 0 && len(dst) > begin {
			r.scan.unread(&f)
			return dst, lost, nil
		}
		var data []byte
		if data, r.plain, err = r.box.open(r.plain, &v.seg.origin, &f); err != nil {
			lost = append(lost, span{f.seq, f.seq})
			continue
		}
		if len(dst) == begin {
			r.scan.use(true)
		}
		dst = append(dst, Record{Origin: v.seg.origin, Seq: f.seq, Kind: f.kind, Lane: f.lane, Data: data})
	}
	return dst, lost, nil
}

// open moves the reader to the record from of v, or to a place before it.
func (r *reader) open(v view, from uint64) error {
	if r.seg != v.seg {
		r.close()
		file, err := v.seg.fs.OpenFile(v.seg.name, os.O_RDONLY)
		if err != nil {
			return fmt.Errorf("seglog: open a segment: %w", err)
		}
		r.seg, r.file = v.seg, file
		r.scan.window = window{file: file, buf: r.scan.buf[:0], spare: r.scan.spare, base: v.seg.start}
		r.scan.expect = v.seg.first
		r.back = place{v.seg.start, v.seg.first}
	}
	r.scan.end, r.scan.limit = v.end, v.last
	if r.scan.expect > from {
		if r.back.seq > from {
			r.back = place{v.seg.start, v.seg.first}
		}
		r.scan.seek(r.back.offset)
		r.scan.expect = r.back.seq
	}
	return nil
}

// close closes the segment that is open.
func (r *reader) close() {
	if r.seg != nil {
		_ = r.file.Close() // it was only read
		r.seg, r.file = nil, nil
	}
}
