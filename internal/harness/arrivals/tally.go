package arrivals

import (
	"bytes"
	"math"
	"sync"

	"github.com/troupelog/troupe/internal/wire"
)

// TagKey is the tag whose value is the stamp of an entry. An attachment has it as its
// name.
const TagKey = "stamp"

// Count holds the counts of a Tally.
type Count struct {
	Lines      int64 // that came, all in all
	Entries    int64 // stamped ones that came at least once
	Duplicates int64 // lines that had come before
	Disorder   int64 // entries that came first after a later one of their stream
	Wrong      int64 // lines that are malformed, changed or in the wrong session
}

// Tally counts lines. Its methods may be called concurrently.
type Tally struct {
	mu      sync.Mutex
	count   Count              // guarded by mu
	streams map[string]*stream // guarded by mu
	others  map[string]bool    // guarded by mu; lines without a stamp
}

// stream holds the arrivals of a stream.
type stream struct {
	session string
	copies  []uint8 // by index
	next    int     // one more than the highest index
}

// NewTally returns an empty tally.
func NewTally() *Tally {
	return &Tally{streams: map[string]*stream{}, others: map[string]bool{}}
}

// Line counts a line.
func (t *Tally) Line(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count.Lines++
	parsed, err := wire.Parse(line)
	if err != nil {
		t.count.Wrong++
		return
	}
	text, ordered := stampOf(&parsed)
	if text == "" {
		t.other(string(line))
		return
	}
	stamp, err := ParseStamp(parsed.ID, text)
	if err != nil {
		t.count.Wrong++
		return
	}
	t.entry(stamp, parsed.ID, ordered)
}

// stampOf returns the text of the stamp in a line, "" if there is none. Lines of
// attachments have no order: each comes when its content is stored.
func stampOf(line *wire.Line) (text string, ordered bool) {
	key := `"` + TagKey + `":"`
	if line.Action == "add-attachment" {
		key = `"name":"`
	}
	_, after, ok := bytes.Cut(line.Data, []byte(key))
	if !ok {
		return "", true
	}
	value, _, _ := bytes.Cut(after, []byte{'"'})
	return string(value), line.Action != "add-attachment"
}

// other counts a line without a stamp: the beginning of a session, for example.
func (t *Tally) other(line string) {
	if t.others[line] {
		t.count.Duplicates++
	}
	t.others[line] = true
}

func (t *Tally) entry(stamp Stamp, session string, ordered bool) {
	s := t.streams[stamp.Stream]
	if s == nil {
		s = &stream{session: session}
		t.streams[stamp.Stream] = s
	}
	if s.session != session {
		t.count.Wrong++
		return
	}
	if missing := stamp.Index + 1 - len(s.copies); missing > 0 {
		s.copies = append(s.copies, make([]uint8, missing)...)
	}
	switch copies := &s.copies[stamp.Index]; {
	case *copies > 0:
		t.count.Duplicates++
		*copies = uint8(min(int(*copies)+1, math.MaxUint8))
		return
	default:
		*copies = 1
		t.count.Entries++
	}
	if ordered && stamp.Index < s.next {
		t.count.Disorder++
	}
	s.next = max(s.next, stamp.Index+1)
}

// Wrong counts something that is wrong and no line.
func (t *Tally) Wrong() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count.Wrong++
}

// Count returns the counts so far.
func (t *Tally) Count() Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// Missing returns which of the first n entries of a stream have not come.
func (t *Tally) Missing(name string, n int) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[name]
	if s == nil {
		s = &stream{}
	}
	var missing []int
	for i := range n {
		if i >= len(s.copies) || s.copies[i] == 0 {
			missing = append(missing, i)
		}
	}
	return missing
}
