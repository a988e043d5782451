// Package brief shortens texts from outside before they are shown in an error, a log line or a
// message: a server or a file must not fill a terminal or hide the rest of a line. It imports the
// standard library only.
package brief

import (
	"strconv"
	"unicode/utf8"
)

// shown is the number of bytes that Quote shows of a text at most.
const shown = 64

const mark = "…"

// Cut returns text if it has at most size bytes, and otherwise its beginning and "…",
// together at most size bytes. It cuts between characters and reads at most size bytes,
// however long text is. A size below 3 bytes leaves no room and returns "".
func Cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	end := size - len(mark)
	if end < 0 {
		return ""
	}
	// A character has at most 4 bytes; bytes that are not UTF-8 are cut anywhere.
	for range utf8.UTFMax - 1 {
		if end == 0 || utf8.RuneStart(text[end]) {
			break
		}
		end--
	}
	return text[:end] + mark
}

// Quote returns text, cut to 64 bytes, in the quotes and escapes of a Go string. The result is
// always one line of printable characters.
func Quote(text string) string { return strconv.Quote(Cut(text, shown)) }
