package oversize

import (
	"encoding/json"
	"strconv"

	"github.com/troupelog/troupe/internal/protocol"
)

// Limit is the largest length of the data of a line, in bytes: the limit of a line minus room for
// its head and for the list of cuts.
const Limit = protocol.MaxLine - 4<<10

// most is the size, in bytes, up to which a value is encoded before it is cut. In a larger value
// all long texts are cut before it is encoded, even if some of them would have fitted: encoding it
// whole could take memory without limit.
const most = 2 * Limit

const (
	// Side is the number of bytes of a long text that are kept at each end.
	Side = 32 << 10
	// Long is the length in bytes from which a text counts as long. A cut would not make a
	// shorter text shorter.
	Long = 2*Side + 1<<10
	// minBlob is the length in bytes from which base64 is replaced by its description.
	minBlob = 1 << 10
)

// Key is the member of an entity's metadata that lists its cuts: an array of Cut.
const Key = "troupe.cut"

// Cut describes one value that was cut. It is part of the wire format.
type Cut struct {
	Path  string `json:"path"`  // such as messages[0].content
	Bytes int    `json:"bytes"` // length of the value before the cut
	Kept  int    `json:"kept"`  // bytes of the value that remain
}

// maxMark limits the JSON of a list of cuts, in bytes. Limit leaves room for it.
const maxMark = 3 << 10

// Mark returns cuts as JSON of at most maxMark bytes. If there are too many, the last one sums up
// the rest, so that the totals stay right.
func Mark(cuts []Cut) []byte {
	for n := len(cuts); ; n /= 2 {
		shown := cuts
		if n < len(cuts) {
			rest := Cut{Path: strconv.Itoa(len(cuts)-n) + " more"}
			for _, c := range cuts[n:] {
				rest.Bytes += c.Bytes
				rest.Kept += c.Kept
			}
			shown = append(cuts[:n:n], rest)
		}
		mark, _ := json.Marshal(shown) // texts and numbers cannot fail
		if len(mark) <= maxMark || n == 0 {
			return mark
		}
	}
}

// Sum returns the total length of the values before the cuts, and the bytes that remain.
func Sum(cuts []Cut) (given, kept int) {
	for _, c := range cuts {
		given += c.Bytes
		kept += c.Kept
	}
	return given, kept
}
