package wire

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
)

// Encoder writes one line into a buffer that is used again. Get one with
// NewEncoder, call Begin, add fields, and end with Finish, or give it back with
// Release. It belongs to one goroutine.
//
//	entity{id=ID,action=ACTION,data={"key":value,…}}
//
// A line never contains a byte below 0x20, so a newline always ends it.
//
// A value that is too large for any line is cut before it is encoded, and Cuts lists the cuts. If
// the values together do not fit into a line, oversize.Shorten cuts them afterwards. A value
// that would be nested too deeply in its place is a *ValueError.
type Encoder struct {
	buf   []byte
	data  int // where the data begins in buf
	depth int // arrays and objects that are open
	tight bool
	mask  func(string) string // sees texts that are cut, before; nil for none
	cuts  []oversize.Cut
	keys  []string // scratch for the sorted keys of a map
	at    time.Time
	clock clock
	// slab holds finished lines, one after the other: its length is the used part.
	slab []byte
}

// maxPooled is the largest buffer, in bytes, that is kept for the next line.
const maxPooled = 1 << 20

var encoders = sync.Pool{New: func() any { return &Encoder{buf: make([]byte, 0, 4096)} }}

// The lines of a slab are freed together, so it is small: lines of one encoder are
// finished at about the same time, and delivered at about the same time.
const (
	slabSize = 16 << 10
	slabLine = slabSize / 8 // the longest line, in bytes, that goes into a slab
)

// NewEncoder returns an empty encoder.
func NewEncoder() *Encoder { return encoders.Get().(*Encoder) }

// Release gives the encoder back; it must not be used afterwards.
func (e *Encoder) Release() {
	if cap(e.buf) > maxPooled {
		return
	}
	e.buf = e.buf[:0]
	encoders.Put(e)
}

// Begin writes the head of a line, opens its data object, and reads the clock. The
// names must come from the protocol and the id must satisfy protocol.ValidID.
func (e *Encoder) Begin(entity, id, action string) {
	e.at = time.Now()
	e.buf = append(e.buf[:0], entity...)
	e.buf = append(e.buf, "{id="...)
	e.buf = append(e.buf, id...)
	e.buf = append(e.buf, ",action="...)
	e.buf = append(e.buf, action...)
	e.buf = append(e.buf, ",data="...)
	e.data, e.depth, e.tight, e.mask, e.cuts = len(e.buf), 1, false, nil, nil
	e.buf = append(e.buf, '{')
}

// At returns when Begin was called.
func (e *Encoder) At() time.Time { return e.at }

// Finish closes the line and returns a copy of it. The encoder can begin another.
func (e *Encoder) Finish() []byte {
	e.buf = append(e.buf, "}}"...)
	n := len(e.buf)
	if n > slabLine {
		return slices.Clone(e.buf)
	}
	if cap(e.slab)-len(e.slab) < n {
		e.slab = make([]byte, 0, slabSize)
	}
	begin := len(e.slab)
	e.slab = append(e.slab, e.buf...)
	return e.slab[begin : begin+n : begin+n]
}

// Len returns the bytes written so far.
func (e *Encoder) Len() int { return len(e.buf) }

// Cuts returns the cuts in the values of the line.
func (e *Encoder) Cuts() []oversize.Cut { return e.cuts }

// Tight says whether the long texts that follow are cut whatever the length of the line.
func (e *Encoder) Tight(on bool) { e.tight = on }

// Mask sets the function that sees the texts that are cut while the line is written, before they are
// cut. The whole line is masked by its caller, once it is finished.
func (e *Encoder) Mask(mask func(string) string) { e.mask = mask }

// Place is a place in a line, to return to.
type Place struct{ length, depth, cuts int }

// Place returns the place that the line has reached.
func (e *Encoder) Place() Place { return Place{len(e.buf), e.depth, len(e.cuts)} }

// Since returns the bytes written after a place; they are valid until the next call.
func (e *Encoder) Since(p Place) []byte { return e.buf[p.length:] }

// Return drops everything behind a place: how a field whose value cannot be encoded is
// taken back. Its cuts are forgotten.
func (e *Encoder) Return(p Place) {
	e.buf, e.depth, e.cuts = e.buf[:p.length], p.depth, e.cuts[:p.cuts]
}

// Replace puts JSON, which may lie behind the place, there instead of the bytes written since.
func (e *Encoder) Replace(p Place, text []byte) {
	e.buf, e.depth = e.buf[:p.length], p.depth
	e.Raw(text)
}

// Name writes a key that needs no escapes: a name of the protocol. Exactly one value must
// follow.
func (e *Encoder) Name(name string) {
	e.comma()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

// Key writes a key of the user's; exactly one value must follow.
func (e *Encoder) Key(key string) {
	e.comma()
	e.text(key)
	e.buf = append(e.buf, ':')
}

// comma separates from the value before, if there is one.
func (e *Encoder) comma() {
	switch e.buf[len(e.buf)-1] {
	case '{', '[', ':', ',':
	default:
		e.buf = append(e.buf, ',')
	}
}

// Open and Close write a bracket: one of { [ and } ].
func (e *Encoder) Open(bracket byte) {
	e.comma()
	e.depth++
	e.buf = append(e.buf, bracket)
}

// Close writes the bracket that matches Open.
func (e *Encoder) Close(bracket byte) {
	e.depth--
	e.buf = append(e.buf, bracket)
}

// Raw writes a value that is JSON already, without control characters.
func (e *Encoder) Raw(text []byte) {
	e.comma()
	e.buf = append(e.buf, text...)
}

// Encoded writes a value that Encode made.
func (e *Encoder) Encoded(text []byte) {
	e.comma()
	e.buf = append(e.buf, text...)
}

// Text writes a string value.
func (e *Encoder) Text(s string) {
	e.comma()
	e.text(s)
}

// text writes a string, the short form of one that is too long.
func (e *Encoder) text(s string) {
	if len(s) >= oversize.Long && (len(s) > oversize.Limit || e.full()) {
		short, kept := oversize.Text(s, e.mask)
		e.note([]oversize.Cut{{Bytes: len(s), Kept: kept}})
		s = short
	}
	e.buf = AppendString(e.buf, s)
}

// full reports whether long texts are cut at once: the line is so long that it will lose
// most of them, or its caller says so.
func (e *Encoder) full() bool { return e.tight || len(e.buf) > 2*oversize.Limit }

// note records the cuts in the next value.
func (e *Encoder) note(cuts []oversize.Cut) {
	if len(cuts) == 0 {
		return
	}
	path := oversize.Path(e.buf[e.data:])
	for _, c := range cuts {
		c.Path = oversize.Join(path, c.Path)
		e.cuts = append(e.cuts, c)
	}
}

// String writes a string field of the protocol.
func (e *Encoder) String(name, value string) {
	e.Name(name)
	e.text(value)
}

// Optional writes a string field of the protocol unless it is empty.
func (e *Encoder) Optional(name, value string) {
	if value != "" {
		e.String(name, value)
	}
}

// Time writes a time field of the protocol.
func (e *Encoder) Time(name string, t time.Time) {
	e.Name(name)
	e.buf = append(e.buf, '"')
	e.buf = e.clock.append(e.buf, t)
	e.buf = append(e.buf, '"')
}

// Float writes a number field. It reports false, and writes nothing, for NaN and
// the infinities, which JSON does not have.
func (e *Encoder) Float(key string, f float64) bool {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	e.Key(key)
	e.buf = AppendFloat(e.buf, f)
	return true
}

// Strings writes a field of the protocol that is an object of strings, its keys sorted.
func (e *Encoder) Strings(name string, m map[string]string) {
	e.Name(name)
	e.Open('{')
	e.keys = e.keys[:0]
	for k := range m {
		e.keys = append(e.keys, k)
	}
	slices.Sort(e.keys)
	for _, k := range e.keys {
		e.Key(k)
		e.text(m[k])
	}
	clear(e.keys)
	e.Close('}')
}

// Any writes a field with the JSON of v. On an error it writes nothing and returns
// a *ValueError.
func (e *Encoder) Any(key string, v any) error {
	before := e.Place()
	e.Key(key)
	return e.value(before, v)
}

// Element writes a value with the JSON of v, as Any does: an element of an array, or
// what belongs to a Key.
func (e *Encoder) Element(v any) error {
	before := e.Place()
	e.comma()
	return e.value(before, v)
}

// value writes the JSON of v, or returns to a place before.
func (e *Encoder) value(before Place, v any) error {
	if s, ok := v.(string); ok {
		e.text(s)
		return nil
	}
	buf, cuts, err := appendFitting(e.buf, v, protocol.MaxDepth-e.depth, e.full(), e.mask)
	if err != nil {
		e.Return(before)
		return err
	}
	e.note(cuts)
	e.buf = buf
	return nil
}

// ElementText writes a value that is JSON text of the caller's. It returns a *ValueError,
// and writes nothing, if the text is not JSON.
func (e *Encoder) ElementText(text string) error {
	if len(text) > oversize.Limit {
		return e.Element(json.RawMessage(text))
	}
	before := e.Place()
	e.comma()
	begin := len(e.buf)
	e.buf = append(e.buf, text...)
	buf, err := appendRaw(e.buf[:begin], e.buf[begin:], protocol.MaxDepth-e.depth)
	if err != nil {
		e.Return(before)
		return err
	}
	e.buf = buf
	return nil
}

// JSONText writes a field as the protocol wants parameters and metadata: strings
// as they are, anything else as a string that holds its JSON. On an error it
// writes nothing and returns a *ValueError.
func (e *Encoder) JSONText(key string, v any) error {
	if s, ok := v.(string); ok {
		e.Key(key)
		e.text(s)
		return nil
	}
	scratch := NewEncoder()
	defer scratch.Release()
	buf, cuts, err := appendFitting(scratch.buf[:0], v, protocol.MaxDepth, e.full(), e.mask)
	if err != nil {
		return err
	}
	scratch.buf = buf
	e.Key(key)
	e.note(cuts)
	if buf[0] == '"' { // a text already: a time, a UUID, bytes
		e.buf = append(e.buf, buf...)
	} else {
		e.buf = appendQuoted(e.buf, buf)
	}
	return nil
}

// AppendFloat appends a finite number in the shortest form that reads back equal,
// with an exponent outside 1e-6 to 1e21, as ECMAScript and encoding/json do.
func AppendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD. Control
// characters, U+2028 and U+2029 are escaped: some readers take the latter two for
// line ends.
func AppendString(dst []byte, s string) []byte { return appendQuoted(dst, s) }

func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0 // of the part that is not appended yet
	for i := 0; ; {
		i += jsonscan.PlainLen(s[i:])
		if i == len(s) {
			break
		}
		b := s[i]
		if b < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, b)
			i++
			start = i
			continue
		}
		r, size := decodeRune(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&0xF])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func decodeRune[T string | []byte](s T) (rune, int) {
	return utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
}

const hex = "0123456789abcdef"

func appendEscape(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xF])
	}
}
