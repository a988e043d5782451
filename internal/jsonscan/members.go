package jsonscan

import (
	"bytes"
	"iter"
)

// Members yields the members of an object: the inside of each key as it is written, with
// its escapes, and the value. The text must be valid JSON. It yields nothing for
// another value, and stops early in what is not JSON.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		w := walker{b: object}
		if !w.take('{') {
			return
		}
		for {
			key, ok := w.value()
			if !ok || len(key) < 2 || key[0] != '"' || !w.take(':') {
				return
			}
			value, ok := w.value()
			if !ok || !yield(key[1:len(key)-1], value) || !w.take(',') {
				return
			}
		}
	}
}

// walker finds where values begin and end in text that is taken to be valid.
type walker struct {
	b []byte
	i int
}

func (w *walker) space() {
	for w.i < len(w.b) && isSpace(w.b[w.i]) {
		w.i++
	}
}

// take moves behind c and the space before it, if c is next.
func (w *walker) take(c byte) bool {
	w.space()
	if w.i == len(w.b) || w.b[w.i] != c {
		return false
	}
	w.i++
	return true
}

// value moves behind one value and returns it.
func (w *walker) value() ([]byte, bool) {
	w.space()
	begin, depth := w.i, 0
	for w.i < len(w.b) {
		switch c := w.b[w.i]; {
		case c == '"':
			if !w.text() {
				return nil, false
			}
		case c == '{' || c == '[':
			depth++
			w.i++
			continue
		case c == '}' || c == ']':
			depth--
			w.i++
		case depth > 0 && (c == ',' || c == ':' || isSpace(c)):
			w.i++
			continue
		default:
			w.scalar()
		}
		if depth <= 0 {
			return w.b[begin:w.i], depth == 0 && w.i > begin
		}
	}
	return nil, false
}

// scalar moves behind a number, true, false or null.
func (w *walker) scalar() {
	for w.i++; w.i < len(w.b); w.i++ {
		switch w.b[w.i] {
		case ',', ':', '}', ']', '{', '[', '"', ' ', '\n', '\r', '\t':
			return
		}
	}
}

// text moves behind a string.
func (w *walker) text() bool {
	begin := w.i + 1
	for w.i = begin; ; {
		n := bytes.IndexByte(w.b[w.i:], '"')
		if n < 0 {
			w.i = len(w.b)
			return false
		}
		w.i += n + 1
		escapes := 0
		for i := w.i - 2; i >= begin && w.b[i] == '\\'; i-- {
			escapes++
		}
		if escapes%2 == 0 {
			return true
		}
	}
}
