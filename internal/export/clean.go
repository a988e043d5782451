package export

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minBase64 is the shortest run of base64 characters that is left out.
const minBase64 = 1024

// clean makes text safe to show. Line breaks and tabs stay. Other invisible characters, and
// those that change the direction of text, are replaced by their code points, as in ⟨U+202E⟩.
func clean(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = withoutBase64(strings.ToValidUTF8(text, "\uFFFD"))
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether a character is replaced by its code point. Joiners stay, because
// scripts and emoji need them.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case r == 0x200C || r == 0x200D:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// withoutBase64 replaces long runs of base64 by their lengths.
func withoutBase64(text string) string {
	if len(text) < minBase64 {
		return text
	}
	var b strings.Builder
	kept := 0
	for start := 0; start < len(text); start++ {
		end := start
		for end < len(text) && isBase64(text[end]) {
			end++
		}
		if end-start >= minBase64 && mixed(text[start:end]) {
			b.WriteString(text[kept:start])
			fmt.Fprintf(&b, "[%d characters of base64 left out]", end-start)
			kept = end
		}
		start = end
	}
	return b.String() + text[kept:]
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '+' || c == '/' || c == '-' || c == '_' || c == '='
}

// mixed reports whether text has the mix of characters found in any longer base64, unlike a
// row of dashes.
func mixed(text string) bool {
	return strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyz") && strings.ContainsAny(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") &&
		strings.ContainsAny(text, "0123456789")
}

// line returns text on one line, with white space collapsed.
func line(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }
