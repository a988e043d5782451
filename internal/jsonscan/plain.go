package jsonscan

import "math/bits"

const (
	lows  = 0x0101010101010101 // one in each byte
	highs = 0x8080808080808080 // the top bit of each byte
)

// PlainLen returns how many bytes at the beginning of s stand for themselves in a JSON
// string: ASCII from the space on, but neither a quote nor a backslash.
func PlainLen[T string | []byte](s T) int {
	i := 0
	for ; len(s)-i >= 8; i += 8 {
		if odd := notPlain(load(s, i)); odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
		// Most strings are short; in a long one, four words at a time are faster.
		for i >= 16 && len(s)-i >= 40 && notPlain(load(s, i+8))|notPlain(load(s, i+16))|notPlain(load(s, i+24))|notPlain(load(s, i+32)) == 0 {
			i += 32
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// plain marks the bytes that PlainLen counts.
var plain = func() (t [256]bool) {
	for b := ' '; b < 0x80; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// notPlain returns the top bit of each byte of w that is not plain. Bytes behind the
// first such byte may be marked wrongly: a subtraction borrows from them.
func notPlain(w uint64) uint64 {
	quote := w ^ lows*'"'
	backslash := w ^ lows*'\\'
	return (w | (w - lows*' ') | (quote - lows) | (backslash - lows)) & highs
}

// load returns the eight bytes of s from i on, the first in the lowest bits. The compiler
// makes one load of it.
func load[T string | []byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
