package oversize

import (
	"encoding/json"
	"strconv"

	"github.com/troupelog/troupe/internal/protocol"
)

// Limit is how long the data of a line may be, in bytes: what a line may have, less room
// for its head and for the list of what was cut.
const Limit = protocol.MaxLine - 4<<10

// most is how large a value may be, in bytes, to be encoded before it is cut. Of a larger
// one all long texts are cut while it is encoded, whichever of them would have fitted.
const most = 2 * Limit

const (
	// Side is how much of a long text is kept at its beginning, and at its end, in bytes.
	Side = 32 << 10
	// Long is from how many bytes on a text is long: a shorter one would not become
	// shorter by a cut.
	Long = 2*Side + 1<<10
	// minBlob is from how many bytes on base64 is left out.
	minBlob = 1 << 10
)

// Key is the member of the metadata that lists what was cut: an array of Cut.
const Key = "troupe.cut"

// Cut is one value that was cut.
type Cut struct {
	Path  string `json:"path"`  // such as messages[0].content
	Bytes int    `json:"bytes"` // its length before
	Kept  int    `json:"kept"`  // bytes of it that are still there
}

// maxMark bounds the JSON of a list of cuts, in bytes; Limit leaves room for it.
const maxMark = 3 << 10

// Mark returns cuts as JSON. Where there are too many, the last one stands for the rest.
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
		mark, _ := json.Marshal(shown) // has a form: it is texts and numbers
		if len(mark) <= maxMark || n == 0 {
			return mark
		}
	}
}

// Sum returns how many bytes the cut values had, and how many are kept.
func Sum(cuts []Cut) (given, kept int) {
	for _, c := range cuts {
		given += c.Bytes
		kept += c.Kept
	}
	return given, kept
}
