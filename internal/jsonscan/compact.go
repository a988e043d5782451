package jsonscan

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
)

// ErrSyntax is returned for text that is not JSON. It quotes nothing: the text may be a secret.
var ErrSyntax = errors.New("jsonscan: not valid JSON")

// ErrDepth is returned for arrays and objects that are nested more than protocol.MaxDepth
// deep.
var ErrDepth = errors.New("jsonscan: nested too deeply")

// AppendCompact appends JSON text without the space between its tokens, so in one line,
// and with U+FFFD in place of bytes that are not UTF-8. It returns ErrSyntax or ErrDepth, and dst
// as it was, unless raw is one JSON value. Raw may directly follow dst: the output is never longer than
// the input read so far, until the end.
func AppendCompact(dst, raw []byte) ([]byte, error) {
	c := compactor{src: raw, dst: dst}
	c.space()
	if !c.value(0) {
		if c.deep {
			return dst, ErrDepth
		}
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
type compactor struct {
	src  []byte
	i    int // the text before it is checked
	kept int // the text before it is copied, or is space
	dst  []byte
	wide bool // a string has bytes that are not ASCII
	deep bool // it is nested too deeply
}

// peek returns the next byte, 0 at the end.
func (c *compactor) peek() byte {
	if c.i < len(c.src) {
		return c.src[c.i]
	}
	return 0
}

// token skips space and returns the byte after it, 0 at the end.
func (c *compactor) token() byte {
	b := c.peek()
	if b > ' ' {
		return b
	}
	c.space()
	return c.peek()
}

// space leaves out space.
func (c *compactor) space() {
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

// value takes a value. Space before it has been taken; that behind it is left.
func (c *compactor) value(depth int) bool {
	switch b := c.peek(); b {
	case '"':
		return c.text()
	case '{':
		return c.within(depth) && c.object(depth)
	case '[':
		return c.within(depth) && c.array(depth)
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

// within reports whether a container may stand within depth others.
func (c *compactor) within(depth int) bool {
	c.deep = depth >= protocol.MaxDepth
	return !c.deep
}

func (c *compactor) object(depth int) bool {
	c.i++
	if c.token() == '}' {
		c.i++
		return true
	}
	for {
		if c.token() != '"' || !c.text() || c.token() != ':' {
			return false
		}
		c.i++
		c.token()
		if !c.value(depth + 1) {
			return false
		}
		switch c.token() {
		case ',':
			c.i++
		case '}':
			c.i++
			return true
		default:
			return false
		}
	}
}

func (c *compactor) array(depth int) bool {
	c.i++
	if c.token() == ']' {
		c.i++
		return true
	}
	for {
		c.token()
		if !c.value(depth + 1) {
			return false
		}
		switch c.token() {
		case ',':
			c.i++
		case ']':
			c.i++
			return true
		default:
			return false
		}
	}
}

func (c *compactor) literal(s string) bool {
	if len(c.src)-c.i < len(s) || string(c.src[c.i:c.i+len(s)]) != s {
		return false
	}
	c.i += len(s)
	return true
}

// text takes a string; its quote is next.
func (c *compactor) text() bool {
	for i := c.i + 1; ; {
		i += PlainLen(c.src[i:])
		if i == len(c.src) {
			return false
		}
		switch b := c.src[i]; {
		case b == '"':
			c.i = i + 1
			return true
		case b == '\\':
			if c.i = i; !c.escape() {
				return false
			}
			i = c.i
		case b < ' ':
			return false
		default:
			c.wide = true
			for i < len(c.src) && c.src[i] >= utf8.RuneSelf {
				i++
			}
		}
	}
}

// escape takes a backslash and the rest of its escape sequence.
func (c *compactor) escape() bool {
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

func (c *compactor) number() bool {
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

// digits takes one digit or more.
func (c *compactor) digits() bool {
	begin := c.i
	for c.i < len(c.src) && '0' <= c.src[c.i] && c.src[c.i] <= '9' {
		c.i++
	}
	return c.i > begin
}
