package jsonscan

import "bytes"

// Deeper reports whether arrays and objects of valid JSON are nested more than levels
// deep. Brackets within strings do not count. It needs no stack, and for text with few
// brackets next to no time.
func Deeper(raw []byte, levels int) bool {
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) <= levels {
		return false
	}
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
		case '{', '[':
			if depth++; depth > levels {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// stringEnd returns the place of the quote that ends the string at i, or the last byte's.
func stringEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		n := bytes.IndexAny(raw[i:], `"\`)
		if n < 0 {
			break
		}
		if i += n; raw[i] == '"' {
			return i
		}
		i++ // the escaped byte
	}
	return len(raw) - 1
}
