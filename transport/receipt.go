package transport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/protocol"
)

// RefusedLine is a line that a server did not store although it stored others of the
// batch. The line would be refused again.
type RefusedLine struct {
	// Line is its place among the lines of Batch.Body, from 0. Empty lines do not count.
	Line int `json:"line"`
	// Reason is what the server says: one line of printable text of at most 256 bytes. It
	// is empty where the server gives no reason.
	Reason string `json:"reason"`
}

// lineCount is what a 2xx says of the lines of a batch.
type lineCount struct {
	refused int           // lines that the server did not store
	named   []RefusedLine // those of them that it names, in the order of their places
	// wrong says why the answer does not account for the batch; then the rest is zero.
	// The batch is no more delivered than after a lost answer.
	wrong string
}

// receipt is the data of a collector's 2xx. Members that are missing are 0. Deleted is
// for collectors that know which lines were deleted after they had been stored.
type receipt struct {
	Accepted   int64         `json:"accepted"`
	Duplicates int64         `json:"duplicates"`
	Refused    int64         `json:"refused"`
	Deleted    int64         `json:"deleted"`
	Rejected   []RefusedLine `json:"-"` // those that name a line
}

// readReceipt returns the receipt in the body of a 2xx, and whether there is one: only a
// collector of Troupe counts what it accepted.
func readReceipt(body []byte) (r receipt, found bool, err error) {
	var outer struct {
		Data json.RawMessage `json:"data"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer.Data, &members) != nil {
		return r, false, nil
	}
	if _, found = members["accepted"]; !found {
		return r, false, nil
	}
	if err := json.Unmarshal(outer.Data, &r); err != nil {
		return r, true, err
	}
	// An entry without the place of its line names none: the line is one to be found.
	var listed []struct {
		Line   *int   `json:"line"`
		Reason string `json:"reason"`
	}
	if list := members["rejected"]; list != nil {
		if err := json.Unmarshal(list, &listed); err != nil {
			return r, true, err
		}
	}
	for _, entry := range listed {
		if entry.Line != nil {
			r.Rejected = append(r.Rejected, RefusedLine{*entry.Line, entry.Reason})
		}
	}
	return r, true, nil
}

// addsUp reports whether the counts are those of so many lines. Early collectors
// counted a refused line that came again as a duplicate, too.
func (r *receipt) addsUp(sent int) bool {
	sum := int64(0)
	for _, n := range []int64{r.Accepted, r.Duplicates, r.Refused, r.Deleted} {
		if n < 0 || n > int64(sent) {
			return false
		}
		sum += n
	}
	twice := sum - int64(sent)
	return twice >= 0 && twice <= min(r.Duplicates, r.Refused)
}

// count holds a receipt against the lines that were sent.
func (r *receipt) count(sent int) lineCount {
	if !r.addsUp(sent) {
		return lineCount{wrong: fmt.Sprintf("the answer does not account for %d lines: it counts %d accepted, %d duplicates, %d refused and %d deleted",
			sent, r.Accepted, r.Duplicates, r.Refused, r.Deleted)}
	}
	named := slices.Clone(r.Rejected)
	slices.SortStableFunc(named, func(a, b RefusedLine) int { return cmp.Compare(a.Line, b.Line) })
	for i, l := range named {
		if l.Line < 0 || l.Line >= sent || i > 0 && l.Line == named[i-1].Line {
			return lineCount{wrong: "the answer lists a refused line twice, or one that was not sent"}
		}
	}
	if int64(len(named)) > r.Refused {
		return lineCount{wrong: fmt.Sprintf("the answer lists %d refused lines and counts %d", len(named), r.Refused)}
	}
	return lineCount{refused: int(r.Refused), named: named}
}

// nonEmpty returns the lines of a body that a server counts, in their order.
func nonEmpty(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if len(bytes.TrimSuffix(line, []byte("\r"))) > 0 && !yield(line) {
				return
			}
		}
	}
}

// knowledge is what the answers of a server have shown of it. It only grows: an answer
// without a sign takes nothing back, for it may come from something on the way.
type knowledge struct{ level atomic.Int32 }

// Levels of knowledge.
const (
	nothing   int32 = iota // it has not taken a batch yet
	foreign                // it took a batch and gave no sign of being a collector of Troupe
	counting               // it counts the lines of a batch: a collector of Troupe
	numbering              // it also puts lines in the order of their numbers
)

// learn notes what an answer shows, whatever its status. Taken says that it is a 2xx
// with a JSON object that reports no error, and counted that the object has a receipt.
func (k *knowledge) learn(header http.Header, taken, counted bool) {
	switch {
	case header.Get(protocol.HeaderOrder) == protocol.OrderSeq:
		k.raise(numbering)
	case taken && counted:
		k.raise(counting)
	case taken:
		k.raise(foreign)
	}
}

func (k *knowledge) raise(to int32) {
	for {
		at := k.level.Load()
		if at >= to || k.level.CompareAndSwap(at, to) {
			return
		}
	}
}

// collector reports whether the server is known to be a collector of Troupe.
func (k *knowledge) collector() bool { return k.level.Load() >= counting }

// order returns the order that the server is known to have.
func (k *knowledge) order() Order {
	switch k.level.Load() {
	case numbering:
		return ByNumber
	case foreign:
		return ByArrival
	default:
		return Unknown
	}
}

// countLines holds a 2xx against the lines that were sent, and learns from the answer
// what the server is.
func (h *HTTP) countLines(a answer, sent int) lineCount {
	if a.status == 0 {
		return lineCount{}
	}
	taken := Classify(a.status, a.header, a.body, a.err) == OK
	if !taken {
		h.server.learn(a.header, false, false)
		return lineCount{}
	}
	r, found, err := readReceipt(a.body)
	h.server.learn(a.header, true, found)
	switch {
	case err != nil:
		return lineCount{wrong: "the answer's counts of lines cannot be read"}
	case found:
		return r.count(sent)
	case h.server.collector():
		return lineCount{wrong: "the answer counts no lines, as a collector does: something on the way may have answered in its place"}
	default:
		return lineCount{}
	}
}

// name puts the refused lines into an error, with reasons that are fit to be shown.
func (e *Error) name(key string, body []byte, c lineCount) {
	e.Unlisted = c.refused - len(c.named)
	e.Refused = slices.Clone(c.named)
	place, next := 0, 0
	for line := range nonEmpty(body) {
		if next == len(e.Refused) {
			break
		}
		if e.Refused[next].Line == place {
			e.Refused[next].Reason = request{key: key, body: line}.clean(e.Refused[next].Reason)
			next++
		}
		place++
	}
	e.Message = fmt.Sprintf("%d of the lines are refused", c.refused)
	if next > 0 && e.Refused[0].Reason != "" {
		e.Message = brief.Cut(fmt.Sprintf("%s, line %d: %s", e.Message, e.Refused[0].Line, e.Refused[0].Reason), maxMessage)
	}
}
