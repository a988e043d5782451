package media

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// span is a range of bytes.
type span struct{ start, end int }

// walker reads JSON that is taken to be valid: it finds where values begin and
// end, and checks no more than it needs to stay within the bytes.
type walker struct {
	b []byte
	i int
}

func (w *walker) malformed() error {
	return fmt.Errorf("%w: byte %d", ErrMalformed, w.i)
}

func (w *walker) space() {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ' ', '\t', '\r', '\n':
			w.i++
		default:
			return
		}
	}
}

// take moves behind c, if c is next, and behind the space around it.
func (w *walker) take(c byte) bool {
	w.space()
	if w.i >= len(w.b) || w.b[w.i] != c {
		return false
	}
	w.i++
	w.space()
	return true
}

// value moves behind one value and returns its place.
func (w *walker) value() (span, error) {
	w.space()
	start, depth := w.i, 0
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case '"':
			if !w.text() {
				return span{}, w.malformed()
			}
			if depth == 0 {
				return span{start, w.i}, nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				w.i++
				return span{start, w.i}, nil
			}
			if depth < 0 {
				return w.literal(start)
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return w.literal(start)
			}
		}
		w.i++
	}
	if depth != 0 {
		return span{}, w.malformed()
	}
	return w.literal(start)
}

// literal ends a number, true, false or null.
func (w *walker) literal(start int) (span, error) {
	if w.i == start {
		return span{}, w.malformed()
	}
	return span{start, w.i}, nil
}

// text moves behind the string that begins here. It looks for the quote that no
// odd number of backslashes precedes, which is fast for megabytes of base64.
func (w *walker) text() bool {
	first := w.i + 1
	for at := first; ; {
		n := bytes.IndexByte(w.b[at:], '"')
		if n < 0 {
			w.i = len(w.b)
			return false
		}
		at += n + 1
		escapes := 0
		for i := at - 2; i >= first && w.b[i] == '\\'; i-- {
			escapes++
		}
		if escapes%2 == 0 {
			w.i = at
			return true
		}
	}
}

// elements calls f with the place of each element of the array that begins at start.
func elements(b []byte, start int, f func(span) error) error {
	return members(b, start, '[', ']', func(w *walker) error {
		s, err := w.value()
		if err != nil {
			return err
		}
		return f(s)
	})
}

// fields returns the places of the object's members that have the given names, an
// empty span for one that is missing and the last for one that is there twice.
func fields(b []byte, object span, names ...string) ([]span, error) {
	found := make([]span, len(names))
	err := members(b, object.start, '{', '}', func(w *walker) error {
		key, err := w.value()
		if err != nil {
			return err
		}
		if !w.take(':') {
			return w.malformed()
		}
		value, err := w.value()
		if err != nil {
			return err
		}
		for i, name := range names {
			if isText(b, key, name) {
				found[i] = value
			}
		}
		return nil
	})
	return found, err
}

// members calls f at each member of a container.
func members(b []byte, start int, open, end byte, f func(*walker) error) error {
	w := &walker{b: b, i: start}
	if !w.take(open) {
		return w.malformed()
	}
	if w.take(end) {
		return nil
	}
	for {
		if err := f(w); err != nil {
			return err
		}
		if w.take(end) {
			return nil
		}
		if !w.take(',') {
			return w.malformed()
		}
	}
}

// begins reports whether a value begins with c, which tells its kind.
func begins(b []byte, s span, c byte) bool {
	return s.start < s.end && b[s.start] == c
}

// isText reports whether a value is the string want.
func isText(b []byte, s span, want string) bool {
	got, ok := text(b, s)
	return ok && string(got) == want
}

// text returns the text of a string, in place where nothing in it is escaped, and
// false for any other value.
func text(b []byte, s span) ([]byte, bool) {
	if !begins(b, s, '"') {
		return nil, false
	}
	inner := b[s.start+1 : s.end-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var out string
	if json.Unmarshal(b[s.start:s.end], &out) != nil {
		return nil, false
	}
	return []byte(out), true
}
