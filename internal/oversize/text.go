package oversize

import (
	"strconv"
	"unicode/utf8"
)

// Text returns the short form of a text and the number of bytes kept: the text itself if it is not
// Long; the description of base64 and data URIs; otherwise its first and last 32 KiB with the number
// of omitted bytes between them. A mask is applied to the whole text first, because it would not
// recognise a secret that a cut tears apart; nil means no mask.
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
	if description, ok := blobOf(s); ok {
		return description, 0
	}
	head, tail := ends(s, Side, false)
	return s[:head] + leftOut(tail-head) + s[tail:], head + len(s) - tail
}

// masked applies a mask to a text. If the mask panics, nothing of the text is kept.
func masked(s string, mask func(string) string) (out string) {
	defer func() {
		if recover() != nil {
			out = "[left out: the mask panicked]"
		}
	}()
	return mask(s)
}

// leftOut returns the note between the two ends of a text.
func leftOut(n int) string { return "…[" + grouped(n) + " bytes left out]…" }

// grouped formats a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// slack is the distance, in bytes, by which a cut may move so that it tears no word: half a key or
// half an address would not be recognised by a mask.
const slack = 1 << 10

// ends returns the index at which the kept beginning of a text ends and the index at which its kept
// end begins. Both have at most side bytes and consist of whole characters, and of whole words if
// there are any. Within a JSON string, escapes stay whole too.
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

// apart reports whether a text may be cut before the byte at i: between two words, but not within a
// number that is written in groups.
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

// whole returns the first index, from i on, at which a character begins. Within a JSON string no
// escape may continue there either.
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
		i += 6 // the second half of a surrogate pair
	}
	return i
}

// slashes returns the number of backslashes directly before i.
func slashes[T string | []byte](s T, i int) (n int) {
	for i > 0 && s[i-1] == '\\' {
		i--
		n++
	}
	return n
}
