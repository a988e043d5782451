package diff

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// changed returns the block of lines in whose place others stand, with the words marked
// that are not on both sides. If there are none, or finding them takes too many steps,
// the lines are changed as a whole.
func changed(a, b string, w *work) Block {
	if a == "" || b == "" || !w.spend(len(a)+len(b)) {
		return Block{A: whole(a), B: whole(b)}
	}
	wordsA, wordsB := words(a), words(b)
	inA, inB := symbols(wordsA, wordsB)
	runs, ok := align(inA, inB, w)
	if !ok {
		runs = nil
	}
	cutA, cutB := cutter{text: a}, cutter{text: b}
	fromA, fromB := 0, 0
	for i, r := range append(runs, run{len(wordsA), len(wordsB), 0}) {
		cutA.take(wordsA[fromA:r.a], true)
		cutB.take(wordsB[fromB:r.b], true)
		fromA, fromB = r.a+r.n, r.b+r.n
		same := wordsA[r.a:fromA]
		gap := i > 0 && fromA < len(wordsA) && fromB < len(wordsB) && isSpace(same) // reads better as part of the change around it
		cutA.take(same, gap)
		cutB.take(same, gap)
	}
	return Block{A: cutA.pieces, B: cutB.pieces}
}

// whole returns text as one changed piece, nil if text is empty.
func whole(text string) []Piece {
	if text == "" {
		return nil
	}
	return []Piece{{text, true}}
}

func isSpace(words []string) bool {
	return len(words) == 1 && strings.TrimSpace(words[0]) == ""
}

// cutter cuts a text into pieces.
type cutter struct {
	text     string
	from, to int // where the last piece begins and ends
	pieces   []Piece
}

// take adds the next words to the last piece, if that is of the same sort.
func (c *cutter) take(words []string, changed bool) {
	size := 0
	for _, w := range words {
		size += len(w)
	}
	if size == 0 {
		return
	}
	last := len(c.pieces) - 1
	if last < 0 || c.pieces[last].Changed != changed {
		c.from = c.to
		c.pieces = append(c.pieces, Piece{Changed: changed})
		last++
	}
	c.to += size
	c.pieces[last].Text = c.text[c.from:c.to]
}

// words cuts a text into words, runs of space, and single other characters. In scripts
// that put no space between words, each character is a word.
func words(text string) []string {
	var found []string
	for start := 0; start < len(text); {
		first, size := utf8.DecodeRuneInString(text[start:])
		end, class := start+size, classOf(first)
		for class != single && end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if classOf(r) != class {
				break
			}
			end += size
		}
		found = append(found, text[start:end])
		start = end
	}
	return found
}

type class uint8

const (
	single class = iota
	word
	space
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		return asciiClass(r)
	case unicode.IsSpace(r):
		return space
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return single
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return word
	}
	return single
}

func asciiClass(r rune) class {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_':
		return word
	case r == ' ', '\t' <= r && r <= '\r':
		return space
	}
	return single
}
