package words

import (
	"unicode"
	"unicode/utf8"
)

// Max is the number of leading bytes of a word that are compared.
const Max = 128

// Append appends the words of a text as a Search compares them, each behind a
// space: in lower case, without accents, vowel points and other combining
// marks. All other characters separate words. In writing that has
// no space between words (Han, Kana, Hangul, Thai, Lao, Khmer, Burmese) every character
// is one. They hold nothing but letters, digits and marks in valid UTF-8.
func Append(dst []byte, text string) []byte {
	for at := 0; ; {
		mark := len(dst)
		w := Next(append(dst, ' '), text, at)
		if w.Start == w.End {
			return dst[:mark]
		}
		dst, at = w.Plain, w.End
	}
}

// word is a word in a text.
type Word struct {
	Start, End int    // in the text; equal if there is no word
	Plain      []byte // the given buffer followed by the word's compared form
}

// nextWord returns the next word of a text from a place on.
func Next(dst []byte, text string, at int) Word {
	mark, start := len(dst), -1
	for at < len(text) {
		r, size, class := runeAt(text, at)
		switch {
		case class == letter:
			if start < 0 {
				start = at
			}
			if len(dst)-mark < Max {
				dst = utf8.AppendRune(dst, r)
			}
		case start >= 0 && class != silent:
			return Word{start, at, dst}
		case class == alone:
			return Word{at, at + size, utf8.AppendRune(dst, r)}
		}
		at += size
	}
	if start < 0 {
		start = at
	}
	return Word{start, at, dst}
}

// class is the role of a character in splitting a text into words.
type class uint8

const (
	between class = iota // it ends a word
	letter               // it is part of one
	alone                // it is a word
	silent               // it is in a word, and not compared
)

// ascii has the lower case of letters and digits, and 0 for all else.
var ascii = func() (table [utf8.RuneSelf]byte) {
	for c := range byte(utf8.RuneSelf) {
		switch {
		case 'A' <= c && c <= 'Z':
			table[c] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			table[c] = c
		}
	}
	return table
}()

// runeAt returns the character at a place as it is compared, its size and its class.
func runeAt(text string, at int) (r rune, size int, c class) {
	if b := text[at]; b < utf8.RuneSelf {
		if lower := ascii[b]; lower != 0 {
			return rune(lower), 1, letter
		}
		return 0, 1, between
	}
	r, size = utf8.DecodeRuneInString(text[at:])
	switch {
	case r == utf8.RuneError:
		return 0, size, between
	case isSilent(r):
		return 0, size, silent
	case !unicode.In(r, unicode.L, unicode.N, unicode.M):
		return 0, size, between
	case isAlone(r):
		return r, size, alone
	}
	return plain(r), size, letter
}

// isSilent reports whether a character only changes the one before it: an accent, a
// vowel point of Arabic or Hebrew, a joiner, a variant, a hyphen that may show.
func isSilent(r rune) bool {
	switch {
	case r == 0xAD:
		return true
	case r < 0x300:
		return false
	case r <= 0x36F, 0x591 <= r && r <= 0x5C7 && unicode.Is(unicode.Mn, r):
		return true
	case r == 0x640, 0x64B <= r && r <= 0x65F, r == 0x670:
		return true
	case 0x1AB0 <= r && r <= 0x1AFF, 0x1DC0 <= r && r <= 0x1DFF, r == 0x200C, r == 0x200D:
		return true
	}
	return 0x20D0 <= r && r <= 0x20FF || 0xFE00 <= r && r <= 0xFE0F
}

// isAlone reports whether a letter belongs to writing without space between words.
func isAlone(r rune) bool {
	switch {
	case r < 0xE00:
		return false
	case r <= 0xEFF, 0x1000 <= r && r <= 0x109F, 0x1100 <= r && r <= 0x11FF, 0x1780 <= r && r <= 0x17FF:
		return true // Thai and Lao, Burmese, Hangul, Khmer
	case 0x2E80 <= r && r <= 0x9FFF, 0xA960 <= r && r <= 0xA97F, 0xAC00 <= r && r <= 0xD7FF:
		return true // Han, Kana, Bopomofo; Hangul
	case 0xF900 <= r && r <= 0xFAFF, 0xFF66 <= r && r <= 0xFFDC:
		return true // Han; Kana and Hangul of half width
	}
	return 0x1B000 <= r && r <= 0x1B16F || 0x20000 <= r && r <= 0x3FFFF
}

// plain returns a letter in lower case and without accents, of full width as ASCII.
func plain(r rune) rune {
	if 0xFF01 <= r && r <= 0xFF5E {
		r -= 0xFF01 - '!'
	}
	if r < plainEnd {
		return rune(plainLetters()[r])
	}
	return unicode.ToLower(unicode.ToUpper(r))
}
