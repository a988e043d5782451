package text

import (
	"strings"
	"unicode/utf8"
)

// token is a token of JSON, unchanged from the source.
type token struct {
	kind     byte  // one of { } [ ] " and the first byte of any other scalar
	from, to int32 // in bytes of the source
	// Of { and [: the token that closes it, and how many values or members it has.
	// closed is 0 if the source ends before.
	closed, children int32
	key              bool // a string that is the key of a member
	flat             bool // of { and [: nothing in it has anything in it
}

const (
	// maxTokens limits the tokens read from one source.
	maxTokens = 50_000
	// maxSource is the maximum length, in bytes, of a source that is read whole.
	maxSource = 2 << 20
	// maxOpen limits the nesting of arrays and objects.
	maxOpen = 10_000
)

// scanner reads tokens. It goes over the source once, and keeps what is open in a stack
// of its own.
type scanner struct {
	s      string
	i      int
	tokens []token
	open   []int32 // the tokens of open arrays and objects
}

// scan returns the tokens of a JSON document. fault is where it stops being one, -1 if it
// does not; whole is false if only the beginning was read: preview bytes of what is longer
// than maxSource, or maxTokens tokens.
func scan(s string) (tokens []token, fault int, whole bool) {
	sc := scanner{s: s}
	end := len(s)
	if len(s) > maxSource {
		end = PlainLimit
	}
	fault = sc.run(end)
	return sc.tokens, fault, fault >= 0 || sc.i >= len(s)
}

// run reads one value and what is in it, up to a token that begins behind end. It returns
// where there is a fault, or -1.
func (sc *scanner) run(end int) int {
	for {
		sc.space()
		if sc.i >= end && sc.i < len(sc.s) || len(sc.tokens) >= maxTokens {
			return -1
		}
		if !sc.value() {
			return sc.i
		}
		for {
			sc.space()
			if len(sc.open) == 0 {
				if sc.i < len(sc.s) {
					return sc.i
				}
				return -1
			}
			next, ok := sc.after()
			if !ok {
				return sc.i
			}
			if next {
				break
			}
		}
	}
}

func (sc *scanner) space() {
	for sc.i < len(sc.s) && (sc.s[sc.i] == ' ' || sc.s[sc.i] == '\n' || sc.s[sc.i] == '\t' || sc.s[sc.i] == '\r') {
		sc.i++
	}
}

func (sc *scanner) peek() byte {
	if sc.i < len(sc.s) {
		return sc.s[sc.i]
	}
	return 0
}

// parent returns the innermost token that is open, nil if none is.
func (sc *scanner) parent() *token {
	if len(sc.open) == 0 {
		return nil
	}
	return &sc.tokens[sc.open[len(sc.open)-1]]
}

// value reads a scalar or an opening bracket. In an object it reads the key before it too.
func (sc *scanner) value() bool {
	if p := sc.parent(); p != nil {
		p.children++
		if p.kind == '{' && !sc.key() {
			return false
		}
	}
	switch b := sc.peek(); b {
	case '{', '[':
		return sc.begin(b)
	case '"':
		return sc.text(false)
	case 't':
		return sc.word("true")
	case 'f':
		return sc.word("false")
	case 'n':
		return sc.word("null")
	default:
		return sc.number()
	}
}

func (sc *scanner) key() bool {
	if sc.peek() != '"' || !sc.text(true) {
		return false
	}
	sc.space()
	if sc.peek() != ':' {
		return false
	}
	sc.i++
	sc.space()
	return true
}

func (sc *scanner) begin(b byte) bool {
	if len(sc.open) >= maxOpen {
		return false
	}
	for n := len(sc.open); n > 0 && sc.tokens[sc.open[n-1]].flat; n-- {
		sc.tokens[sc.open[n-1]].flat = false
	}
	sc.open = append(sc.open, int32(len(sc.tokens)))
	sc.add(token{kind: b, flat: true}, 1)
	return true
}

// after reads what is behind a value or an opening bracket: a comma, or nothing behind a
// bracket, where a value is next, or the bracket that closes the parent.
func (sc *scanner) after() (next, ok bool) {
	p := sc.parent()
	switch b := sc.peek(); {
	case b == ',' && p.children > 0:
		sc.i++
		sc.space()
		if b := sc.peek(); b == ']' || b == '}' {
			return false, false
		}
		return true, true
	case b == p.kind+2:
		p.closed = int32(len(sc.tokens))
		sc.open = sc.open[:len(sc.open)-1]
		sc.add(token{kind: b}, 1)
		return false, true
	case p.children == 0 && b != 0:
		return true, true
	}
	return false, false
}

func (sc *scanner) add(t token, length int) {
	t.from, t.to = int32(sc.i), int32(sc.i+length)
	sc.tokens = append(sc.tokens, t)
	sc.i += length
}

func (sc *scanner) word(word string) bool {
	if !strings.HasPrefix(sc.s[sc.i:], word) {
		return false
	}
	sc.add(token{kind: word[0]}, len(word))
	return true
}

// text reads a string. At a fault it stays at the byte that is wrong.
func (sc *scanner) text(key bool) bool {
	for i := sc.i + 1; i < len(sc.s); i++ {
		switch b := sc.s[i]; {
		case b == '"':
			sc.add(token{kind: '"', key: key}, i+1-sc.i)
			return true
		case b < ' ':
			sc.i = i
			return false
		case b == '\\':
			n := escapeLen(sc.s[i:])
			if n == 0 {
				sc.i = i
				return false
			}
			i += n - 1
		}
	}
	sc.i = len(sc.s)
	return false
}

// escapeLen returns the length of the escape that s begins with, 0 if it is none.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	if s[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s[1]) < 0 {
			return 0
		}
		return 2
	}
	if len(s) < 6 {
		return 0
	}
	for _, b := range []byte(s[2:6]) {
		if !isHex(b) {
			return 0
		}
	}
	return 6
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// number reads a number by the grammar of RFC 8259.
func (sc *scanner) number() bool {
	i := sc.i
	digits := func() bool {
		begin := i
		for i < len(sc.s) && sc.s[i] >= '0' && sc.s[i] <= '9' {
			i++
		}
		return i > begin
	}
	at := func(set string) bool { return i < len(sc.s) && strings.IndexByte(set, sc.s[i]) >= 0 }
	if at("-") {
		i++
	}
	ok := true
	if at("0") {
		i++
	} else {
		ok = digits()
	}
	if ok && at(".") {
		i++
		ok = digits()
	}
	if ok && at("eE") {
		if i++; at("+-") {
			i++
		}
		ok = digits()
	}
	if !ok {
		sc.i = i
		return false
	}
	sc.add(token{kind: '0'}, i-sc.i)
	return true
}

// unquote returns the text of a string token. Escapes that make no character, which are
// halves of surrogate pairs, stay as they are written.
func unquote(quoted string) string {
	inside := quoted[1 : len(quoted)-1]
	if strings.IndexByte(inside, '\\') < 0 {
		return inside
	}
	out := make([]byte, 0, len(inside))
	for i := 0; i < len(inside); {
		if inside[i] != '\\' {
			out = append(out, inside[i])
			i++
			continue
		}
		r, n := unescape(inside[i:])
		if r < 0 {
			out = append(out, inside[i:i+n]...)
		} else {
			out = utf8.AppendRune(out, r)
		}
		i += n
	}
	return string(out)
}
