package arrivals

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Stamp says which entry a text belongs to.
type Stamp struct {
	Stream string // letters and digits, unique for each goroutine of each process
	Index  int    // from 0
}

// ErrCorrupt is returned for a text that differs from the result of Text.
var ErrCorrupt = errors.New("the stamp differs from the logged one")

// separator separates the parts of a stamp; nothing that encodes text escapes it.
const separator = "."

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// filler pads texts to their size. It is the same in all processes.
var filler = func() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	rnd := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // it must be the same everywhere
	text := make([]byte, 1<<16)
	for i := range text {
		text[i] = letters[rnd.IntN(len(letters))]
	}
	return string(text)
}()

// Text returns a text of at least size bytes that carries the stamp and a checksum of
// itself and of the session it is logged to. It is of letters, digits and full stops.
func (s Stamp) Text(session string, size int) string {
	head := s.Stream + separator + strconv.Itoa(s.Index) + separator
	rest := fill(s.Index, size-len(head)-len("00000000"+separator))
	return head + fmt.Sprintf("%08x", checksum(session, head, rest)) + separator + rest
}

// fill returns n bytes, other ones for each index.
func fill(index, n int) string {
	if n <= 0 {
		return ""
	}
	from := index * 31 % (len(filler) / 2)
	if n <= len(filler)/2 {
		return filler[from : from+n]
	}
	return filler[from:] + strings.Repeat(filler, n/len(filler)+1)[:max(0, n-(len(filler)-from))]
}

func checksum(session, head, rest string) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(session+separator+head))
	return crc32.Update(sum, castagnoli, []byte(rest))
}

// ParseStamp parses the result of Text for a session. The error is ErrCorrupt.
func ParseStamp(session, text string) (Stamp, error) {
	parts := strings.SplitN(text, separator, 4)
	if len(parts) != 4 {
		return Stamp{}, ErrCorrupt
	}
	index, err := strconv.Atoi(parts[1])
	sum, sumErr := strconv.ParseUint(parts[2], 16, 32)
	head := text[:len(parts[0])+len(parts[1])+2*len(separator)]
	if err != nil || sumErr != nil || index < 0 || checksum(session, head, parts[3]) != uint32(sum) {
		return Stamp{}, ErrCorrupt
	}
	return Stamp{parts[0], index}, nil
}
