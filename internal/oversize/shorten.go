package oversize

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// newest is the number of messages, counted from the last, that are cut only if nothing else is left
// to cut.
const newest = 4

// Shorten brings the data of a line, which must be valid JSON, within a limit in bytes and returns
// the cuts. The package comment describes the policy. Shorten returns data itself if it fits, and
// never writes to it.
func Shorten(data []byte, limit int) ([]byte, []Cut) {
	if len(data) <= limit {
		return data, nil
	}
	s := shortener{data: data, limit: limit, size: len(data)}
	s.scan(0, "", 0, false)
	s.findMessages()
	s.blobs()
	s.longTexts(false)
	s.oldMessages()
	s.longTexts(true)
	out := s.apply()
	if len(out) > limit {
		out = s.prune(out)
	}
	return out, s.cuts
}

// shortener collects replacements in data. They are applied at the end, all at once.
type shortener struct {
	data  []byte
	limit int
	size  int // length of data after the edits

	leaves   []leaf // strings of minBlob and more
	messages []item // the elements of the member messages
	edits    []edit
	cuts     []Cut
}

// leaf is the inside of a long string.
type leaf struct {
	from, to int
	path     string
	spared   bool // cut only if nothing else is left to cut
	gone     bool // replaced
}

// item is an element of a list.
type item struct {
	from, to int
	system   bool
}

type edit struct {
	from, to int
	text     string
}

// scan collects the long strings in the value at i and returns the index after the value.
func (s *shortener) scan(i int, path string, depth int, spared bool) int {
	switch s.at(i) {
	case '"':
		end := textEnd(s.data, i)
		if end-i-1 >= minBlob {
			s.leaves = append(s.leaves, leaf{from: i + 1, to: end, path: path, spared: spared})
		}
		return end + 1
	case '{':
		for i = s.skip(i + 1); s.at(i) == '"'; i = s.skip(i) {
			end := textEnd(s.data, i)
			name := string(s.data[i+1 : min(end, i+1+2*maxName)])
			i = s.skip(end + 1)
			i = s.skip(i + 1) // the colon
			i = s.scan(i, member(path, name), depth+1, spared || depth == 0 && (name == "modelParameters" || name == "system"))
			i = s.comma(i)
		}
		return i + 1
	case '[':
		i = s.skip(i + 1)
		for n := 0; i < len(s.data) && s.at(i) != ']'; n++ {
			from := i
			i = s.scan(i, path+"["+strconv.Itoa(n)+"]", depth+1, spared)
			if depth == 1 && path == "messages" {
				s.messages = append(s.messages, item{from: from, to: i})
			}
			i = s.comma(i)
		}
		return i + 1
	}
	for i < len(s.data) && s.data[i] > ' ' && s.data[i] != ',' && s.data[i] != '}' && s.data[i] != ']' {
		i++
	}
	return i
}

func (s *shortener) at(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func (s *shortener) skip(i int) int {
	for i < len(s.data) && s.data[i] <= ' ' {
		i++
	}
	return i
}

func (s *shortener) comma(i int) int {
	if i = s.skip(i); s.at(i) == ',' {
		i = s.skip(i + 1)
	}
	return i
}

// findMessages spares the system messages and the newest messages.
func (s *shortener) findMessages() {
	for i := range s.messages {
		m := &s.messages[i]
		m.system = roleOf(s.data[m.from:m.to]) == "system"
		if !m.system && i < len(s.messages)-newest {
			continue
		}
		for j := range s.leaves {
			if l := &s.leaves[j]; l.from > m.from && l.to < m.to {
				l.spared = true
			}
		}
	}
}

// roleOf returns the role of a message. The role developer counts as "system".
func roleOf(message []byte) string {
	for m := jsonscan.MembersOf(message); m.Next(); {
		if string(m.Key) == "role" {
			switch role := string(m.Value); role {
			case `"system"`, `"developer"`:
				return "system"
			default:
				return role
			}
		}
	}
	return ""
}

func (s *shortener) fits() bool { return s.size <= s.limit }

func (s *shortener) replace(l *leaf, text string, kept int) {
	l.gone = true
	s.edits = append(s.edits, edit{l.from, l.to, text})
	s.size += len(text) - (l.to - l.from)
	s.cuts = append(s.cuts, Cut{l.path, l.to - l.from, kept})
}

// blobs replaces base64 in the order of the data, so the oldest goes first.
func (s *shortener) blobs() {
	for i := range s.leaves {
		if s.fits() {
			return
		}
		if description, ok := blobOf(s.data[s.leaves[i].from:s.leaves[i].to]); ok {
			s.replace(&s.leaves[i], description, 0)
		}
	}
}

// longTexts cuts the longest texts first.
func (s *shortener) longTexts(spared bool) {
	var longest []*leaf
	for i := range s.leaves {
		if l := &s.leaves[i]; !l.gone && l.spared == spared && l.to-l.from >= Long {
			longest = append(longest, l)
		}
	}
	slices.SortStableFunc(longest, func(a, b *leaf) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	for _, l := range longest {
		if s.fits() {
			return
		}
		inside := s.data[l.from:l.to]
		short, kept := shortInside(inside, Side)
		s.replace(l, short, kept)
	}
}

// shortInside cuts the inside of a JSON string.
func shortInside(inside []byte, side int) (short string, kept int) {
	head, tail := ends(inside, side, true)
	return string(inside[:head]) + leftOut(tail-head) + string(inside[tail:]), head + len(inside) - tail
}

// oldMessages replaces the oldest messages, as many as necessary, with one message.
func (s *shortener) oldMessages() {
	first := 0
	for first < len(s.messages) && s.messages[first].system {
		first++
	}
	last, freed := first, 0
	for last < len(s.messages)-newest && s.size-freed+noteBytes > s.limit {
		m := s.messages[last]
		freed += s.left(m) + len(",")
		last++
	}
	if last == first {
		return
	}
	from, to := s.messages[first].from, s.messages[last-1].to
	note := fmt.Sprintf(`{"role":"system","content":"[%d older messages, %s bytes, left out]"}`, last-first, grouped(to-from))
	s.edits = slices.DeleteFunc(s.edits, func(e edit) bool { return e.from >= from && e.to <= to })
	for i := range s.leaves {
		if l := &s.leaves[i]; l.from >= from && l.to <= to {
			l.gone = true
		}
	}
	s.edits = append(s.edits, edit{from, to, note})
	s.size += len(note) - freed + len(",")
	s.cuts = append(s.cuts, Cut{fmt.Sprintf("messages[%d:%d]", first, last), to - from, 0})
}

const noteBytes = 128

// left returns the length of a message after the edits within it.
func (s *shortener) left(m item) int {
	n := m.to - m.from
	for _, e := range s.edits {
		if e.from >= m.from && e.to <= m.to {
			n += len(e.text) - (e.to - e.from)
		}
	}
	return n
}

// apply returns a copy of data with all edits.
func (s *shortener) apply() []byte {
	slices.SortFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	out, from := make([]byte, 0, max(s.size, 0)), 0
	for _, e := range s.edits {
		out = append(append(out, s.data[from:e.from]...), e.text...)
		from = e.to
	}
	return append(out, s.data[from:]...)
}
