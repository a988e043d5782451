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

// RefusedLine is a line that a server refused while it stored others of the same batch. It would
// refuse the line again.
type RefusedLine struct {
	// Line is the index of the line in Batch.Body. Empty lines do not count.
	Line int `json:"line"`
	// Reason is the reason that the server gave, or "": one line of printable text of at most 256
	// bytes.
	Reason string `json:"reason"`
}

// lineCount is the account of a 2xx of the lines of a batch.
type lineCount struct {
	refused int           // lines that the server did not store
	named   []RefusedLine // the refused lines that it names, in the order of the batch
	// wrong is the reason why the answer does not account for the batch; the rest is zero then.
	// The batch counts as not delivered, as after a lost answer.
	wrong string
}

// receipt is the data in a 2xx of a collector. Missing members are 0. Deleted counts lines that come
// again after they were stored and deleted; not every collector knows them.
type receipt struct {
	Accepted   int64         `json:"accepted"`
	Duplicates int64         `json:"duplicates"`
	Refused    int64         `json:"refused"`
	Deleted    int64         `json:"deleted"`
	Rejected   []RefusedLine `json:"-"` // entries that name a line
}

// readReceipt returns the receipt in the body of a 2xx, and whether there is one: only a collector
// of Troupe counts accepted lines.
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
	// An entry without an index names no line; the line counts as unlisted.
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

// addsUp reports whether the counts account for all lines that were sent. Early collectors counted
// a refused line that came again as a duplicate as well.
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

// count checks a receipt against the number of lines that were sent.
func (r *receipt) count(sent int) lineCount {
	if !r.addsUp(sent) {
		return lineCount{wrong: fmt.Sprintf("the answer does not account for %d lines: "+
			"it counts %d accepted, %d duplicates, %d refused and %d deleted",
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

// nonEmpty yields the lines of a body that a server counts, in their order. Servers skip empty lines,
// so indexes of lines in answers do not count them.
func nonEmpty(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if len(bytes.TrimSuffix(line, []byte("\r"))) > 0 && !yield(line) {
				return
			}
		}
	}
}

// knowledge records the abilities that a server has shown in its answers. It only grows: an answer
// without a sign proves nothing, because it may come from a proxy. It may be used concurrently.
type knowledge struct{ level atomic.Int32 }

// Levels of knowledge.
const (
	nothing   int32 = iota // it has not accepted a batch yet
	foreign                // it accepted a batch and gave no sign of being a collector of Troupe
	counting               // it counts the lines of a batch, so it is a collector of Troupe
	numbering              // it also puts lines in the order of their numbers
)

// learn raises the level as far as an answer proves, whatever its status. It is taken if it is a 2xx
// with a JSON object that reports no error, and counted if the object has a receipt.
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

// raise raises the level, unless it is higher already.
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

// countLines checks a 2xx against the number of lines that were sent, and learns from the answer.
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
		return lineCount{wrong: "the answer counts no lines, as a collector does: " +
			"something on the way may have answered in its place"}
	default:
		return lineCount{}
	}
}

// name puts the refused lines into an error, with cleaned reasons.
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
		first := e.Refused[0]
		e.Message = brief.Cut(fmt.Sprintf("%s, line %d: %s", e.Message, first.Line, first.Reason), maxMessage)
	}
}
