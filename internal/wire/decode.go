package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
)

// Line is a log line taken apart. Data aliases the bytes given to Parse.
type Line struct {
	Entity string // the kind of entity, such as "trace"
	ID     string // which one
	Action string // the action on it, such as "create"
	Data   []byte // one JSON value, see Parse for the two liberties it may take
}

// SyntaxError says where a line is malformed and how. It never holds a part of
// the line.
type SyntaxError struct {
	Offset int    // byte of the line, counted from 0, where reading stopped
	Reason string // the text that was expected or found there
}

// Error returns the reason and the offset.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed log line at byte %d: %s", e.Offset, e.Reason)
}

const (
	idField     = "{id="
	actionField = ",action="
	dataField   = ",data="
)

// Parse takes a line, without its newline, apart. An error is a *SyntaxError.
//
// The id ends at the first ",action=NAME,data=", NAME being one or more of a-z
// 0-9 _ -. An id of the protocol holds no comma, so for such ids there is one
// reading only; other ids, which existing SDKs do send, are taken as they are.
// Data may hold text that looks like a line: it begins behind the first match
// and ends before the line's last byte.
//
// Data must be one JSON value, with two liberties that existing SDKs take: the
// numbers NaN, Infinity and -Infinity, and strings that are not valid UTF-8.
// Use [Clean] before handing data to a JSON decoder.
func Parse(line []byte) (Line, error) {
	nameEnd := nameLen(line)
	if nameEnd == 0 {
		return Line{}, &SyntaxError{0, "an entity name was expected"}
	}
	if !bytes.HasPrefix(line[nameEnd:], []byte(idField)) {
		return Line{}, &SyntaxError{nameEnd, `"{id=" was expected behind the entity name`}
	}
	idStart := nameEnd + len(idField)
	idEnd, actionEnd := findAction(line, idStart)
	switch {
	case idEnd < 0:
		return Line{}, &SyntaxError{idStart, `no ",action=NAME,data=" behind the id`}
	case idEnd == idStart:
		return Line{}, &SyntaxError{idStart, "the id is empty"}
	case idEnd-idStart > protocol.MaxID:
		return Line{}, &SyntaxError{idStart, fmt.Sprintf("the id is longer than %d bytes", protocol.MaxID)}
	}
	last := len(line) - 1
	dataStart := actionEnd + len(dataField)
	if last < dataStart || line[last] != '}' {
		return Line{}, &SyntaxError{len(line), `the line does not end with "}"`}
	}
	if err := checkData(line[:last], dataStart); err != nil {
		return Line{}, err
	}
	return Line{
		Entity: string(line[:nameEnd]),
		ID:     string(line[idStart:idEnd]),
		Action: string(line[idEnd+len(actionField) : actionEnd]),
		Data:   line[dataStart:last],
	}, nil
}

// findAction returns where the id ends and where the action's name ends, or -1.
func findAction(line []byte, from int) (idEnd, actionEnd int) {
	for {
		i := bytes.Index(line[from:], []byte(actionField))
		if i < 0 {
			return -1, -1
		}
		idEnd = from + i
		nameStart := idEnd + len(actionField)
		actionEnd = nameStart + nameLen(line[nameStart:])
		if actionEnd > nameStart && bytes.HasPrefix(line[actionEnd:], []byte(dataField)) {
			return idEnd, actionEnd
		}
		from = nameStart
	}
}

// nameLen returns the length of the name that b begins with.
func nameLen(b []byte) int {
	for i, c := range b {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return i
		}
	}
	return len(b)
}

// checkData reports whether b holds exactly one value from start on.
func checkData(b []byte, start int) error {
	s := scanner{b: b, i: start}
	s.space()
	if s.value(0) {
		s.space()
		if s.i < len(b) {
			s.fail("a second value behind data")
		}
	}
	if s.reason != "" {
		return &SyntaxError{s.i, s.reason}
	}
	return nil
}

// Fields walks the members of an object: each key, unescaped and without quotes,
// with the bytes of its value. It yields nothing for other values. The object
// must come from a line that Parse accepted; at a malformed place the walk ends.
// The slices are valid as long as object is not changed.
func Fields(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		s := scanner{b: object}
		s.space()
		if !s.take('{') {
			return
		}
		for s.space(); !s.take('}'); s.space() {
			key, value, ok := s.member()
			if !ok || !yield(key, value) {
				return
			}
			s.space()
			s.take(',')
		}
	}
}

// Elements walks the elements of an array under the terms of Fields.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		s := scanner{b: array}
		s.space()
		if !s.take('[') {
			return
		}
		for s.space(); !s.take(']'); s.space() {
			start := s.i
			if !s.value(0) || !yield(array[start:s.i]) {
				return
			}
			s.space()
			s.take(',')
		}
	}
}

// Clean returns data as strict JSON in UTF-8: NaN and the infinities become null,
// bytes that are not UTF-8 become U+FFFD. It returns data itself where nothing is
// to be changed, which is nearly always, and never writes to it.
func Clean(data []byte) []byte {
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data))
	s := scanner{b: data}
	for s.i < len(data) {
		start := s.i
		switch c := data[s.i]; {
		case c == '"':
			s.str()
			out = append(out, data[start:s.i]...)
		case s.nonFinite():
			out = append(out, "null"...)
		default:
			out = append(out, c)
			s.i++
		}
		if s.reason != "" {
			return append(out, data[s.i:]...)
		}
	}
	return out
}

// scanner walks JSON. Each method moves i behind the element that it names and reports
// whether it was there; the first failure sets reason and leaves i at its place.
type scanner struct {
	b      []byte
	i      int
	reason string
}

func (s *scanner) fail(reason string) bool {
	if s.reason == "" {
		s.reason = reason
	}
	return false
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) literal(text string) bool {
	if len(s.b)-s.i >= len(text) && string(s.b[s.i:s.i+len(text)]) == text {
		s.i += len(text)
		return true
	}
	return false
}

func (s *scanner) nonFinite() bool {
	return s.literal("NaN") || s.literal("Infinity") || s.literal("-Infinity")
}

func (s *scanner) value(depth int) bool {
	if s.i >= len(s.b) {
		return s.fail("a JSON value was expected, the line ends")
	}
	switch c := s.b[s.i]; {
	case c == '"':
		return s.str()
	case (c == '{' || c == '[') && depth >= protocol.MaxDepth:
		return s.fail("data is nested too deeply")
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case s.literal("true"), s.literal("false"), s.literal("null"), s.nonFinite():
		return true
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	return s.fail("a JSON value was expected")
}

func (s *scanner) object(depth int) bool {
	s.i++
	s.space()
	if s.take('}') {
		return true
	}
	for {
		s.space()
		if s.i >= len(s.b) || s.b[s.i] != '"' {
			return s.fail("a JSON object key was expected")
		}
		if !s.str() || !s.colon() || !s.value(depth+1) {
			return false
		}
		s.space()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return s.fail(`"," or "}" was expected in a JSON object`)
		}
	}
}

func (s *scanner) colon() bool {
	s.space()
	if !s.take(':') {
		return s.fail(`":" was expected in a JSON object`)
	}
	s.space()
	return true
}

func (s *scanner) array(depth int) bool {
	s.i++
	s.space()
	if s.take(']') {
		return true
	}
	for {
		s.space()
		if !s.value(depth + 1) {
			return false
		}
		s.space()
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return s.fail(`"," or "]" was expected in a JSON array`)
		}
	}
}

func (s *scanner) str() bool {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return true
		case c < 0x20:
			return s.fail("an unescaped control character in a JSON string")
		case c == '\\':
			s.i++
			if !s.escape() {
				return false
			}
		}
	}
	return s.fail("a JSON string does not end")
}

// escape reads an escape behind its backslash and stays on its last byte.
func (s *scanner) escape() bool {
	if s.i >= len(s.b) {
		return s.fail("a JSON string does not end")
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			if s.i >= len(s.b) || !isHex(s.b[s.i]) {
				return s.fail(`four hexadecimal digits were expected behind "\u"`)
			}
		}
		return true
	}
	return s.fail("an unknown escape in a JSON string")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return s.fail("a digit was expected in a JSON number")
	}
	if s.take('.') && !s.digits() {
		return s.fail("a digit was expected in a JSON number")
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return s.fail("a digit was expected in a JSON number")
		}
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// member reads a key and its value.
func (s *scanner) member() (key, value []byte, ok bool) {
	start := s.i
	if s.i >= len(s.b) || s.b[s.i] != '"' || !s.str() {
		return nil, nil, false
	}
	key = unquote(s.b[start:s.i])
	if !s.colon() {
		return nil, nil, false
	}
	start = s.i
	if !s.value(0) {
		return nil, nil, false
	}
	return key, s.b[start:s.i], true
}

// unquote returns the text of a JSON string.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return quoted[1 : len(quoted)-1]
	}
	return []byte(text)
}
