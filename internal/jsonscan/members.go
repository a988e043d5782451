package jsonscan

import "bytes"

// Members walks over the members of an object:
//
//	for m := jsonscan.MembersOf(object); m.Next(); {
//		… m.Key, m.Value
//	}
type Members struct {
	Key   []byte // the inside of the key as it is written, with its escapes
	Value []byte

	walker walker
	begun  bool
}

// MembersOf begins to walk over the members of an object. The text must be valid JSON.
// There are none in another value; in text that is not JSON the walk ends early.
func MembersOf(object []byte) Members { return Members{walker: walker{b: object}} }

// Next moves to the next member, and reports whether there is one.
func (m *Members) Next() bool {
	w := &m.walker
	before := byte(',')
	if !m.begun {
		m.begun, before = true, '{'
	}
	if !w.take(before) {
		return false
	}
	w.space()
	begin := w.i + 1
	if w.peek() != '"' || !w.text() {
		return false
	}
	m.Key = w.b[begin : w.i-1]
	if !w.take(':') {
		return false
	}
	var ok bool
	m.Value, ok = w.value()
	return ok
}

// ElementsOf returns the elements of an array, under the terms of MembersOf.
func ElementsOf(array []byte) [][]byte {
	var elements [][]byte
	w := walker{b: array}
	for before := byte('['); w.take(before); before = ',' {
		value, ok := w.value()
		if !ok {
			break
		}
		elements = append(elements, value)
	}
	return elements
}

// walker finds where values begin and end in text that is taken to be valid.
type walker struct {
	b []byte
	i int
}

// peek returns the next byte, 0 at the end.
func (w *walker) peek() byte {
	if w.i < len(w.b) {
		return w.b[w.i]
	}
	return 0
}

func (w *walker) space() {
	for w.i < len(w.b) && isSpace(w.b[w.i]) {
		w.i++
	}
}

// take moves behind c and the space before it, if c is next.
func (w *walker) take(c byte) bool {
	if w.peek() != c {
		if w.space(); w.peek() != c {
			return false
		}
	}
	w.i++
	return true
}

// value moves behind one value and returns it.
func (w *walker) value() ([]byte, bool) {
	w.space()
	begin := w.i
	ok := false
	switch w.peek() {
	case '"':
		ok = w.text()
	case '{', '[':
		ok = w.nested()
	default:
		ok = w.scalar()
	}
	return w.b[begin:w.i], ok
}

// nested moves behind an array or an object.
func (w *walker) nested() bool {
	depth := 0
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case '"':
			if !w.text() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if w.i++; depth == 0 {
			return true
		}
	}
	return false
}

// scalar moves behind a number, true, false or null.
func (w *walker) scalar() bool {
	begin := w.i
	for ; w.i < len(w.b); w.i++ {
		switch w.b[w.i] {
		case ',', ':', '}', ']', '{', '[', '"', ' ', '\n', '\r', '\t':
			return w.i > begin
		}
	}
	return w.i > begin
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
