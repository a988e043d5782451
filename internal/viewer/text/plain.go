package text

import (
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"
)

// PlainLimit is the default limit of Plain, in bytes of text.
const PlainLimit = 16 << 10

// Cut is a text as HTML, shortened if it was longer than asked for.
type Cut struct {
	HTML       template.HTML
	Shown      int // bytes of the text that HTML shows
	Total      int // bytes of the text
	Characters int // of the text
	Lines      int // of the text; a newline at the end begins no further one
}

// More returns how many bytes are not shown.
func (c Cut) More() int { return c.Total - c.Shown }

// Plain returns text as it is, at most limit bytes of it; 0 means PlainLimit. It is cut
// between characters. White space is kept, for the style sheet to show.
func Plain(s string, limit int) Cut {
	if limit <= 0 {
		limit = PlainLimit
	}
	c := counted(s)
	c.Shown = clip(s, limit)
	c.HTML = template.HTML(escape(make([]byte, 0, c.Shown+c.Shown/8), s[:c.Shown])) //nolint:gosec // escape leaves no byte that was logged unescaped
	return c
}

// counted returns a Cut with the figures of a text.
func counted(s string) Cut {
	lines := strings.Count(s, "\n")
	if s != "" && s[len(s)-1] != '\n' {
		lines++
	}
	return Cut{Total: len(s), Characters: utf8.RuneCountInString(s), Lines: lines}
}

// clip returns how many bytes of s, at most limit, end between two characters.
func clip(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	end := limit
	for end > limit-utf8.UTFMax && end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return end
}

// escape appends s with markup escaped and with chips for characters that cannot be seen.
func escape(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			if entity := entities[b]; entity != "" {
				dst = append(dst, entity...)
				i++
				continue
			}
			if b >= ' ' && b != 0x7f || b == '\n' || b == '\t' {
				dst = append(dst, b)
				i++
				continue
			}
			if b == '\r' && i+1 < len(s) && s[i+1] == '\n' {
				i++
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && !(r == utf8.RuneError && size == 1) && (!hidden(r) || joins(s, i, size, r)) {
			dst = append(dst, s[i:i+size]...)
			i += size
			continue
		}
		end := i + size
		for strings.HasPrefix(s[end:], s[i:i+size]) {
			end += size
		}
		dst = appendChip(dst, label(s[i], r, size), (end-i)/size)
		i = end
	}
	return dst
}

// escaped is escape for a string.
func escaped(s string) string {
	for i := range len(s) {
		if b := s[i]; b < ' ' || b >= 0x7f || entities[b] != "" {
			return string(escape(make([]byte, 0, len(s)+len(s)/8), s))
		}
	}
	return s
}

// entities are the characters of HTML that are never written as they are.
var entities = [utf8.RuneSelf]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&#34;", '\'': "&#39;"}

// chip begins a chip, end ends it.
const (
	chip = `<span class="chip">`
	end  = `</span>`
)

// appendChip appends a chip for n of the same character.
func appendChip(dst []byte, label string, n int) []byte {
	dst = append(dst, chip...)
	dst = append(dst, label...)
	if n > 1 {
		dst = append(dst, "×"...)
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return append(dst, end...)
}

// label names a character, or a byte that is no UTF-8.
func label(b byte, r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return `\x` + hex(rune(b), 2)
	case r < ' ':
		return string(0x2400 + r)
	case r == 0x7f:
		return "␡"
	}
	if name := names[r]; name != "" {
		return name
	}
	return "U+" + hex(r, 4)
}

func hex(r rune, least int) string {
	digits := strings.ToUpper(strconv.FormatInt(int64(r), 16))
	return strings.Repeat("0", max(0, least-len(digits))) + digits
}

// names are short names of hidden characters, after the Unicode Character Database.
var names = map[rune]string{
	0x00ad: "SHY", 0x061c: "ALM", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM",
	0x2028: "LSEP", 0x2029: "PSEP", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO",
	0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM",
}

// hidden reports whether a character beyond ASCII has no shape of its own, or changes the
// order in which others are shown.
func hidden(r rune) bool {
	switch {
	case r < 0xa0, r == 0xad, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x180e,
		r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0x3164,
		r >= 0xfe00 && r <= 0xfe0d, r == 0xfeff,
		r == 0xffa0, r >= 0xfff0 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// joins reports whether the character at s[i:i+size] is a joiner between two characters of
// the scripts that need one, such as Arabic and the Indic ones, or between emoji.
func joins(s string, i, size int, r rune) bool {
	if r != 0x200c && r != 0x200d {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+size:])
	return joined(before) && joined(after)
}

// joined reports whether a character may have a joiner beside it: none of the Latin,
// Greek, Cyrillic or Armenian script.
func joined(r rune) bool { return r >= 0x590 && r != utf8.RuneError && !hidden(r) }
