package text

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// unescape returns the character that a valid escape at the beginning of s stands for,
// and its length. It returns -1 for one half of a surrogate pair alone.
func unescape(s string) (rune, int) {
	if s[1] != 'u' {
		return rune("\"\\/\b\f\n\r\t"[strings.IndexByte(`"\/bfnrt`, s[1])]), 2
	}
	r := unit(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' && escapeLen(s[6:]) == 6 {
		if both := utf16.DecodeRune(r, unit(s[6:])); both != '\ufffd' {
			return both, 12
		}
	}
	return -1, 6
}

// unit returns the number in \uXXXX.
func unit(s string) rune {
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return -1 // the scanner has seen four digits
	}
	return rune(n)
}
