package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Errors of a list that cannot be read to its end.
var (
	// ErrTruncated is returned for a list that the stream ends in the middle of.
	ErrTruncated = errors.New("the list has no end: the file seems to be cut off")
	// ErrMalformed is returned for a list that is not valid JSON: nobody can tell where the
	// value with the fault ends.
	ErrMalformed = errors.New("the list is not valid JSON there, and what follows is not read: mend it, or write one object a line")
)

// ValueError says that a value of a stream is skipped, and why. It holds nothing of the value.
type ValueError struct {
	Number int // among the values of the stream, from 1
	Reason string
}

// Error names the value and the reason.
func (e *ValueError) Error() string {
	return fmt.Sprintf("value %d is skipped: %s", e.Number, e.Reason)
}

// Values reads JSON values that follow one another, however they are laid out: one a line,
// one over many lines, or in a list. Outside of a list a fault is skipped up to the next line
// that begins with a bracket. Values belongs to one goroutine.
type Values struct {
	source source
	json   *json.Decoder
	limit  int64
	list   bool // the next value is in a list
	number int
}

// NewValues returns the values of r. Values of more than limit bytes are skipped.
func NewValues(r io.Reader, limit int64) *Values {
	v := &Values{source: source{in: bufio.NewReaderSize(r, 1<<16)}, limit: limit}
	if mark, _ := v.source.in.Peek(3); string(mark) == "\ufeff" {
		_, _ = v.source.in.Discard(len(mark)) // it has been peeked at
	}
	v.json = json.NewDecoder(&v.source)
	return v
}

// Number returns the number of the value that Next returned last, or skipped, from 1.
func (v *Values) Number() int { return v.number }

// Next returns the text of the next value, which the caller may keep; io.EOF at the end; a
// *ValueError for one that is skipped, after which it can be called again; and any other
// error if nothing more can be read.
func (v *Values) Next() ([]byte, error) {
	for {
		_, size := v.buffered()
		v.source.left = v.limit - size
		more := v.json.More() // now the buffer begins with the next value
		first, _ := v.buffered()
		bracket := first == '['
		if v.list {
			bracket = !more
		}
		if !bracket {
			return v.value()
		}
		if _, err := v.json.Token(); err != nil {
			return nil, v.listError(err)
		}
		v.list = !v.list
	}
}

func (v *Values) value() ([]byte, error) {
	var text json.RawMessage
	err := v.json.Decode(&text)
	if errors.Is(err, io.EOF) && !v.list {
		return nil, err
	}
	v.number++
	_, malformed := errors.AsType[*json.SyntaxError](err)
	switch {
	case err == nil && int64(len(text)) <= v.limit:
		return text, nil
	case err == nil:
	case errors.Is(err, errTooLong):
		err = v.skipLong()
	case v.list:
		return nil, v.listError(err)
	case malformed || errors.Is(err, io.ErrUnexpectedEOF):
		if err := v.skipFault(); err != nil {
			return nil, err
		}
		return nil, &ValueError{v.number, "it is not valid JSON"}
	}
	if err != nil {
		return nil, err
	}
	return nil, &ValueError{v.number, fmt.Sprintf("it is longer than %d bytes", v.limit)}
}

// listError says why a list cannot be read to its end.
func (v *Values) listError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrTruncated
	}
	if _, malformed := errors.AsType[*json.SyntaxError](err); malformed {
		return ErrMalformed
	}
	return err
}

// buffered returns the first byte that the decoder has read and not decoded, and how much
// that is.
func (v *Values) buffered() (first byte, size int64) {
	rest := v.json.Buffered().(*bytes.Reader)
	first, _ = rest.ReadByte() // 0 if it is empty
	return first, rest.Size()
}

// restart lets a new decoder read a text and then the rest that the present one has not decoded:
// after an error a decoder reads nothing more.
func (v *Values) restart(text string) {
	rest, _ := io.ReadAll(v.json.Buffered()) // it is in memory
	v.source.first = slices.Concat([]byte(text), rest, v.source.first)
	v.source.left = math.MaxInt64
	v.json = json.NewDecoder(&v.source)
}

// skipFault passes over a value that is not valid.
func (v *Values) skipFault() error {
	v.restart("")
	for {
		if err := v.source.skipLine(); err != nil {
			return err
		}
		if next := v.source.peek(); next == '{' || next == '[' || next == 0 {
			return nil
		}
	}
}

// skipLong passes over a value without keeping it.
func (v *Values) skipLong() error {
	if !v.list {
		return v.skipFault()
	}
	v.restart("[") // it is in a list
	if _, err := v.json.Token(); err != nil {
		return v.listError(err)
	}
	for depth := 0; ; {
		token, err := v.json.Token()
		if err != nil {
			return v.listError(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// errTooLong ends reading where a value is longer than the limit.
var errTooLong = errors.New("the value is too long")

// source is the stream that a decoder reads, as much of it as is allowed.
type source struct {
	first []byte // comes before the rest
	in    *bufio.Reader
	left  int64 // until it fails with errTooLong
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (n int, err error) {
	if s.left <= 0 {
		return 0, errTooLong
	}
	p = p[:min(int64(len(p)), s.left)]
	if len(s.first) > 0 {
		n = copy(p, s.first)
		s.first = s.first[n:]
	} else {
		n, err = s.in.Read(p)
	}
	s.left -= int64(n)
	return n, err
}

// skipLine passes over the rest of a line. At the end of the stream there is none.
func (s *source) skipLine() error {
	if _, rest, found := bytes.Cut(s.first, []byte("\n")); found {
		s.first = rest
		return nil
	}
	s.first = nil
	for {
		switch _, err := s.in.ReadSlice('\n'); {
		case err == nil || errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// peek returns the next byte, 0 if there is none.
func (s *source) peek() byte {
	next := s.first
	if len(next) == 0 {
		next, _ = s.in.Peek(1) // whoever reads gets the error
	}
	if len(next) == 0 {
		return 0
	}
	return next[0]
}
