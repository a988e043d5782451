package jsonscan

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// ErrSyntax is returned for what is not JSON. It says no more: the text may be a secret.
var ErrSyntax = errors.New("jsonscan: not valid JSON")

// maxDepth is how deep arrays and objects may be nested, as in encoding/json.
const maxDepth = 10000

// AppendCompact appends JSON text without the space between its tokens, so in one line,
// and with U+FFFD in place of what is not UTF-8. It returns ErrSyntax, and dst as it was,
// unless raw is one JSON value.
func AppendCompact[T string | []byte](dst []byte, raw T) ([]byte, error) {
	c := compactor[T]{src: raw, dst: dst}
	c.space()
	if !c.value(0) {
		return dst, ErrSyntax
	}
	c.space()
	if c.i != len(raw) {
		return dst, ErrSyntax
	}
	out := append(c.dst, raw[c.kept:]...)
	if c.wide && !utf8.Valid(out[len(dst):]) {
		out = append(out[:len(dst)], bytes.ToValidUTF8(out[len(dst):], []byte("\ufffd"))...)
	}
	return out, nil
}

// compactor checks src and copies it, but for space, in as few pieces as there are.
type compactor[T string | []byte] struct {
	src  T
	i    int // what is before it was checked
	kept int // what is before it was copied, or is space
	dst  []byte
	wide bool // a string has bytes that are not ASCII
}

// space leaves out space.
func (c *compactor[T]) space() {
	begin := c.i
	for c.i < len(c.src) && isSpace(c.src[c.i]) {
		c.i++
	}
	if c.i > begin {
		c.dst = append(c.dst, c.src[c.kept:begin]...)
		c.kept = c.i
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

// next takes b and the space behind it, if b is next.
func (c *compactor[T]) next(b byte) bool {
	if c.i == len(c.src) || c.src[c.i] != b {
		return false
	}
	c.i++
	c.space()
	return true
}

// value takes a value. Space before it has been taken; that behind it is left.
func (c *compactor[T]) value(depth int) bool {
	if c.i == len(c.src) {
		return false
	}
	switch c.src[c.i] {
	case '{':
		return depth < maxDepth && c.list('{', '}', depth)
	case '[':
		return depth < maxDepth && c.list('[', ']', depth)
	case '"':
		return c.text()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	default:
		return c.number()
	}
}

// list takes an array or an object.
func (c *compactor[T]) list(open, end byte, depth int) bool {
	c.next(open)
	if c.i < len(c.src) && c.src[c.i] == end {
		c.i++
		return true
	}
	for {
		if open == '{' {
			if c.i == len(c.src) || c.src[c.i] != '"' || !c.text() {
				return false
			}
			c.space()
			if !c.next(':') {
				return false
			}
		}
		if !c.value(depth + 1) {
			return false
		}
		c.space()
		if c.next(',') {
			continue
		}
		if c.i == len(c.src) || c.src[c.i] != end {
			return false
		}
		c.i++
		return true
	}
}

func (c *compactor[T]) literal(s string) bool {
	if len(c.src)-c.i < len(s) || string(c.src[c.i:c.i+len(s)]) != s {
		return false
	}
	c.i += len(s)
	return true
}

// text takes a string; its quote is next.
func (c *compactor[T]) text() bool {
	for c.i++; ; {
		c.i += PlainLen(c.src[c.i:])
		if c.i == len(c.src) {
			return false
		}
		switch b := c.src[c.i]; {
		case b == '"':
			c.i++
			return true
		case b == '\\':
			if !c.escape() {
				return false
			}
		case b < ' ':
			return false
		default:
			c.wide = true
			for c.i < len(c.src) && c.src[c.i] >= utf8.RuneSelf {
				c.i++
			}
		}
	}
}

// escape takes a backslash and what belongs to it.
func (c *compactor[T]) escape() bool {
	c.i++
	if c.i == len(c.src) {
		return false
	}
	switch c.src[c.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.i++
		return true
	case 'u':
		if len(c.src)-c.i < 5 {
			return false
		}
		for i := range 4 {
			if b := c.src[c.i+1+i]; (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'f') {
				return false
			}
		}
		c.i += 5
		return true
	}
	return false
}

func (c *compactor[T]) number() bool {
	if c.peek() == '-' {
		c.i++
	}
	if c.peek() == '0' {
		c.i++
	} else if !c.digits() {
		return false
	}
	if c.peek() == '.' {
		c.i++
		if !c.digits() {
			return false
		}
	}
	if c.peek()|0x20 == 'e' {
		c.i++
		if b := c.peek(); b == '+' || b == '-' {
			c.i++
		}
		return c.digits()
	}
	return true
}

// peek returns the next byte, 0 at the end.
func (c *compactor[T]) peek() byte {
	if c.i == len(c.src) {
		return 0
	}
	return c.src[c.i]
}

// digits takes one digit or more.
func (c *compactor[T]) digits() bool {
	begin := c.i
	for c.i < len(c.src) && '0' <= c.src[c.i] && c.src[c.i] <= '9' {
		c.i++
	}
	return c.i > begin
}
