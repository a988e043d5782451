package tree

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// columns returns the width of s in terminal columns.
func columns(s string) int { return uniseg.StringWidth(s) }

// Clip shortens s to one line of at most width columns and marks a cut with an ellipsis. It
// never splits a character made of several code points.
func Clip(s string, width int) string {
	// A column seldom takes more than a few bytes: text far beyond the width is not examined.
	const perColumn = 64
	more := false
	if end := width * perColumn; len(s) > end {
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s, more = s[:end], true
	}
	s = clean(s)
	if !more && columns(s) <= width {
		return s
	}
	kept, used, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width-1 {
			break
		}
		used += w
		kept += len(cluster)
	}
	return strings.TrimRight(s[:kept], " ") + "…"
}

// clean makes s safe for one line: runs of white space become one space, and characters that
// a terminal interprets become U+FFFD.
func clean(s string) string {
	return strings.Join(strings.Fields(strings.Map(harmless, s)), " ")
}

func harmless(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return utf8.RuneError
	}
	return r
}

// style colours text if colours are on.
type style bool

func (s style) dim(text string) string    { return s.wrap("\x1b[2m", text) }
func (s style) bold(text string) string   { return s.wrap("\x1b[1m", text) }
func (s style) red(text string) string    { return s.wrap("\x1b[31m", text) }
func (s style) yellow(text string) string { return s.wrap("\x1b[33m", text) }

func (s style) wrap(code, text string) string {
	if !s || text == "" {
		return text
	}
	return code + text + "\x1b[0m"
}
