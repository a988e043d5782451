package text

import (
	"cmp"
	"html/template"
	"slices"
	"unicode/utf8"
)

// Mark returns a text with parts of it marked: pairs of a beginning and an end in bytes.
// They may stand in any order and overlap; what is outside the text or within a character
// is moved to a place between two.
func Mark(s string, marks [][2]int) template.HTML {
	var dst []byte
	at := 0
	for _, m := range merged(s, marks) {
		dst = escape(dst, s[at:m[0]])
		dst = append(dst, "<mark>"...)
		dst = escape(dst, s[m[0]:m[1]])
		dst = append(dst, "</mark>"...)
		at = m[1]
	}
	return template.HTML(escape(dst, s[at:])) //nolint:gosec // escape leaves no byte that was logged unescaped
}

// merged returns marks in order, within s, between characters, none empty or touching
// another.
func merged(s string, marks [][2]int) [][2]int {
	var in [][2]int
	for _, m := range marks {
		from, to := boundary(s, m[0], -1), boundary(s, m[1], 1)
		if from < to {
			in = append(in, [2]int{from, to})
		}
	}
	slices.SortFunc(in, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	var out [][2]int
	for _, m := range in {
		if n := len(out); n > 0 && m[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], m[1])
			continue
		}
		out = append(out, m)
	}
	return out
}

// boundary returns the place between two characters of s next to i, in the direction of
// step.
func boundary(s string, i, step int) int {
	i = min(max(i, 0), len(s))
	for n := 0; n < utf8.UTFMax && i > 0 && i < len(s) && !utf8.RuneStart(s[i]); n++ {
		i += step
	}
	return i
}
