package oversize

import (
	"strconv"
	"unicode/utf8"
)

// Text returns the short form of a long text, and how much of it is kept: the text
// itself where it is not Long; for base64 and data: what it was; else its first and last
// 32 KiB, with the number of bytes left out between them. A mask, nil for none, sees the
// whole text before: of a secret that a cut tears apart it would not know the rest.
func Text(s string, mask func(string) string) (short string, kept int) {
	if len(s) < Long {
		return s, len(s)
	}
	if mask != nil {
		s = masked(s, mask)
	}
	if len(s) < Long {
		return s, len(s)
	}
	if what, ok := blobOf(s); ok {
		return what, 0
	}
	head, tail := ends(s, Side, false)
	return s[:head] + leftOut(tail-head) + s[tail:], head + len(s) - tail
}

// masked returns what a mask makes of a text, nothing of it if the mask panics.
func masked(s string, mask func(string) string) (out string) {
	defer func() {
		if recover() != nil {
			out = "[left out: the mask panicked]"
		}
	}()
	return mask(s)
}

// leftOut is what stands between the ends of a text.
func leftOut(n int) string { return "…[" + grouped(n) + " bytes left out]…" }

// grouped returns a number with commas.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// slack is how far an end of a text is moved, in bytes, so that no word is torn: a key
// or an address of which one half is left would not be masked.
const slack = 1 << 10

// ends returns where the beginning of a text ends and where its end begins: at most side
// bytes each, whole characters, and whole words where there are any. If the text is the
// inside of a JSON string, its escapes stay whole, too.
func ends[T string | []byte](s T, side int, escaped bool) (head, tail int) {
	head, tail = whole(s, side, escaped), whole(s, len(s)-side, escaped)
	for i := head; i > max(0, head-slack); i-- {
		if at := whole(s, i, escaped); at == i && apart(s, i) {
			head = i
			break
		}
	}
	for i := tail; i < min(len(s), tail+slack); i++ {
		if at := whole(s, i, escaped); at == i && apart(s, i) {
			tail = i
			break
		}
	}
	return head, tail
}

// apart reports whether a text may be cut before the byte at i: it is between words, and
// not within a number that is written in groups.
func apart[T string | []byte](s T, i int) bool {
	if i == 0 || i == len(s) || inWord(s[i-1]) && inWord(s[i]) {
		return i == 0 || i == len(s)
	}
	before, behind := i-1, i
	for before > 0 && between(s[before]) {
		before--
	}
	for behind < len(s)-1 && between(s[behind]) {
		behind++
	}
	return !digit(s[before]) || !digit(s[behind])
}

func between(c byte) bool { return c == ' ' || c == '-' || c == '.' || c == '/' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// inWord reports whether a character may be part of a word, an address, a key or base64.
func inWord(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', ',', ';', '"', '\'', '{', '}', '[', ']', '(', ')', '<', '>', '\\':
		return false
	}
	return true
}

// whole returns the first place at or behind i where a character begins; in the inside
// of a JSON string also where no escape goes on.
func whole[T string | []byte](s T, i int, escaped bool) int {
	for i < len(s) && i > 0 && !utf8.RuneStart(s[i]) {
		i++
	}
	if !escaped {
		return i
	}
	for back := 1; back <= 5 && back <= i && i < len(s); back++ {
		at := i - back
		if s[at] != '\\' || slashes(s, at)%2 == 1 {
			continue // not the beginning of an escape
		}
		switch {
		case s[at+1] == 'u' && back <= 5:
			i = min(len(s), at+6)
		case back == 1:
			i++
		}
		break
	}
	if len(s)-i >= 6 && s[i] == '\\' && s[i+1] == 'u' && s[i+2]|0x20 == 'd' && s[i+3]|0x20 >= 'c' && s[i+3]|0x20 <= 'f' {
		i += 6 // the second half of a character
	}
	return i
}

// slashes returns how many backslashes stand directly before i.
func slashes[T string | []byte](s T, i int) (n int) {
	for i > 0 && s[i-1] == '\\' {
		i--
		n++
	}
	return n
}
