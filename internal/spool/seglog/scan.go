package seglog

import (
	"bytes"
	"errors"
	"io"
)

// readBytes is the minimum number of bytes of one read from a file.
const readBytes = 256 << 10

// errHold is returned by peek if the read would overwrite bytes that are in use.
var errHold = errors.New("seglog: the buffers are in use")

// window is a view of a file that moves forward. It has two buffers, so that the bytes
// returned by peek stay valid over one refill.
type window struct {
	file    io.ReaderAt
	end     int64 // nothing is read from here on
	buf     []byte
	spare   []byte
	base    int64 // the place in the file of buf[0]
	pos     int   // the next byte, in buf
	refills int   // since hold was set
	hold    bool  // bytes returned since then are in use: one refill is allowed
}

// use sets whether the bytes that peek returns from now on are in use.
func (w *window) use(inUse bool) { w.hold, w.refills = inUse, 0 }

// seek moves the window to a place in the file, forwards or backwards.
func (w *window) seek(offset int64) {
	if d := offset - w.base; d >= 0 && d <= int64(len(w.buf)) {
		w.pos = int(d)
		return
	}
	w.buf, w.base, w.pos = w.buf[:0], offset, 0
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

// peek returns the next n bytes or more; fewer only at the end. It reads at least chunk
// bytes when it must read. After an error the window is where it was.
func (w *window) peek(n, chunk int) ([]byte, error) {
	left := w.end - w.offset()
	if left <= 0 {
		return nil, nil
	}
	have := w.buf[w.pos:]
	if int64(len(have)) > left {
		have = have[:left]
	}
	if len(have) >= n || int64(len(have)) == left {
		return have, nil
	}
	if w.hold && w.refills > 0 {
		return nil, errHold
	}
	want := int(min(max(int64(n), int64(chunk)), left))
	next := w.spare
	if cap(next) < want {
		next = make([]byte, want)
	}
	next = next[:want]
	copy(next, have)
	got, err := w.file.ReadAt(next[len(have):], w.offset()+int64(len(have)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if got < want-len(have) {
		next = next[:len(have)+got]
		w.end = w.offset() + int64(len(next)) // the file is shorter than expected
	}
	w.spare, w.buf = w.buf, next
	w.base, w.pos = w.offset(), 0
	w.refills++
	return next, nil
}

// scanner walks over the frames of a segment.
type scanner struct {
	window
	expect uint64 // the number of the next record
	limit  uint64 // numbers above it are not believed
	good   int64  // where the last valid frame ended
	chunk  int
}

// next returns the next valid frame. If its number comes after expect, those between are
// lost; frames with lower numbers are copies and left out. At the end it returns io.EOF.
// Any other error is of the file: next can be called again.
func (s *scanner) next() (frame, error) {
	for {
		f, err := s.parse()
		switch {
		case err == nil && f.seq >= s.expect:
			s.pos += f.size()
			s.good, s.expect = s.offset(), f.seq+1
			return f, nil
		case err == nil:
			s.pos += f.size()
			s.good = s.offset()
		case errors.Is(err, errFrame):
			if err := s.resync(); err != nil {
				return frame{}, err
			}
		default:
			return frame{}, err
		}
	}
}

// unread makes f, which next returned last, the next frame again.
func (s *scanner) unread(f *frame) {
	s.pos -= f.size()
	s.good, s.expect = s.offset(), f.seq
}

// parse returns the frame at the window without moving it, errFrame if there is none,
// or io.EOF.
func (s *scanner) parse() (frame, error) {
	b, err := s.peek(frameSize, s.chunk)
	if err != nil {
		return frame{}, err
	}
	if len(b) == 0 {
		return frame{}, io.EOF
	}
	n, err := frameLen(b)
	if err != nil {
		return frame{}, errFrame
	}
	if len(b) < n {
		if int64(n) > s.end-s.offset() {
			return frame{}, errFrame
		}
		if b, err = s.peek(n, s.chunk); err != nil {
			return frame{}, err
		}
	}
	f, err := parseFrame(b)
	if err != nil || f.seq > s.limit || f.seq == 0 {
		return frame{}, errFrame
	}
	return f, nil
}

// resync moves the window from damage to the next place where a frame may begin.
func (s *scanner) resync() error {
	start := s.offset()
	s.pos++
	for {
		b, err := s.peek(frameSize, s.chunk)
		if err != nil {
			s.seek(start)
			return err
		}
		if i := bytes.Index(b, []byte(frameMagic)); i >= 0 {
			s.pos += i
			return nil
		}
		if len(b) < frameSize {
			s.pos += len(b)
			return io.EOF
		}
		s.pos += len(b) - len(frameMagic) + 1
	}
}
