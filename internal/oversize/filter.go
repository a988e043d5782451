package oversize

import (
	"fmt"
	"strconv"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// Filter keeps the JSON object of a model request within a limit while the request streams through:
// base64 becomes a short text and long texts keep their ends. If that is not enough, the oldest
// elements of messages, input or contents are dropped, except system messages. Its memory is
// limited too, whatever the size of the request. A filter belongs to one goroutine.
type Filter struct {
	limit int
	side  int // bytes of a long text that are kept at each end
	deep  int // levels of arrays and objects that are kept
	out   []byte
	cuts  []Cut
	read  int  // bytes written to the filter
	full  bool // out is over the limit and nothing is left to drop

	open  []level
	skips int // open brackets within a value that is nested too deeply

	inText bool
	escape bool   // the last byte of the text is a backslash that escapes the next one
	begin  int    // index in out at which the text begins
	length int    // length of the text so far
	tail   []byte // the last bytes of a long text; begins with a whole character or escape
	long   bool   // the text is long, so its bytes go to tail
	blob   blob

	elements []element // complete elements of the conversation
	from     element   // the element that is being read
	note     element   // the message that replaces dropped elements
	noteAt   int       // number of elements up to and including the note
	dropped  int       // number of dropped elements

	conversation string // the name of the list of messages
}

// level is an open array or object.
type level struct {
	list    bool
	n       int // number of complete elements or members
	name    string
	wantKey bool
}

// element is the place of an element in out, and its position in the request.
type element struct{ from, to, read int }

// NewFilter returns a filter that keeps at most limit bytes and levels of nesting.
func NewFilter(limit, levels int) *Filter {
	return &Filter{limit: limit, side: min(Side, limit/8), deep: levels}
}

// Write filters the next piece of the request. It may be split anywhere.
func (f *Filter) Write(p []byte) {
	for len(p) > 0 && !f.full {
		if f.inText {
			p = p[f.text(p):]
		} else {
			f.token(p[0])
			p = p[1:]
		}
		if len(f.out) > f.limit {
			f.drop()
		}
	}
}

// Result returns the kept JSON, the cuts, and whether the JSON is truncated at the limit: then it
// is only the beginning.
func (f *Filter) Result() (kept []byte, cuts []Cut, off bool) {
	if f.inText && f.skips == 0 { // the request ends within a text
		f.endText()
	}
	cuts = f.cuts
	if f.dropped > 0 {
		cuts = append(cuts, Cut{fmt.Sprintf("%s (%d oldest)", f.conversation, f.dropped), f.note.read, 0})
	}
	return f.out[:min(len(f.out), f.limit)], cuts, f.full
}

// token processes a byte outside texts.
func (f *Filter) token(c byte) {
	f.read++
	switch {
	case f.skips > 0:
		f.skip(c)
		return
	case c == '"':
		f.inText, f.length, f.long, f.blob = true, 0, false, blob{}
		f.out = append(f.out, c)
		f.begin = len(f.out)
		return
	case (c == '{' || c == '[') && len(f.open) >= f.deep:
		f.skips = 1
		f.out = append(f.out, `"[nested too deeply, left out]"`...)
		f.cuts = append(f.cuts, Cut{Path: f.path()})
		return
	}
	f.out = append(f.out, c)
	switch c {
	case '{', '[':
		f.open = append(f.open, level{list: c == '[', wantKey: c == '{'})
		if f.inConversation() {
			f.from = element{from: len(f.out), read: f.read}
		}
	case '}', ']':
		if f.inConversation() {
			f.endElement()
		}
		f.open = f.open[:max(0, len(f.open)-1)]
	case ',':
		if f.inConversation() {
			f.endElement()
		}
		if n := len(f.open); n > 0 {
			f.open[n-1].n++
			f.open[n-1].wantKey = !f.open[n-1].list
		}
	}
}

// skip drops a byte of a value that is nested too deeply.
func (f *Filter) skip(c byte) {
	switch c {
	case '"':
		f.inText = true
	case '{', '[':
		f.skips++
	case '}', ']':
		f.skips--
	}
}

// inConversation reports whether the value being read is an element of the list of messages.
func (f *Filter) inConversation() bool {
	if len(f.open) != 2 || !f.open[1].list {
		return false
	}
	switch name := f.open[0].name; name {
	case "messages", "input", "contents":
		f.conversation = name
		return true
	}
	return false
}

// endElement ends an element of the conversation at the comma or bracket after it.
func (f *Filter) endElement() {
	f.from.to = len(f.out) - 1
	if f.from.to > f.from.from {
		f.from.read = f.read - 1 - f.from.read
		f.elements = append(f.elements, f.from)
	}
	f.from = element{from: len(f.out), read: f.read}
}

// text processes bytes of a text, up to the closing quote, and returns their number.
func (f *Filter) text(p []byte) (n int) {
	switch {
	case f.escape:
		n, f.escape = 1, false
	default:
		if n = plainLen(p[:min(len(p), 32<<10)]); n == len(p) || n == 32<<10 {
			break
		} else if p[n] == '\\' {
			n++
			f.escape = true
		} else if n == 0 {
			f.read++
			if f.skips == 0 {
				f.endText()
				f.out = append(f.out, '"')
			}
			f.inText = false
			return 1
		}
	}
	f.read += n
	if f.skips == 0 {
		f.keep(p[:n])
	}
	return n
}

// plainLen returns the number of bytes before the first quote or backslash.
func plainLen(p []byte) int {
	n := 0
	for n < len(p) {
		if n += jsonscan.PlainLen(p[n:]); n == len(p) || p[n] == '"' || p[n] == '\\' {
			break
		}
		n++ // not ASCII
	}
	return n
}

// keep appends bytes of a text to out, or to tail if the text is long.
func (f *Filter) keep(p []byte) {
	f.length += len(p)
	f.blob.write(p)
	if f.long {
		if f.tail = append(f.tail, p...); len(f.tail) > 4*f.side+64 && !f.escape {
			f.tail = append(f.tail[:0], f.tail[whole(f.tail, len(f.tail)-2*f.side, true):]...)
		}
		return
	}
	f.out = append(f.out, p...)
	if head := f.begin + f.side + 16; len(f.out) > head+f.side+64 && !f.escape {
		f.long, head = true, f.begin+whole(f.out[f.begin:], f.side+16, true)
		f.tail = append(f.tail[:0], f.out[head:]...)
		f.out = f.out[:head]
	}
}

// endText ends a text, which is a member's name or a value that may be too long.
func (f *Filter) endText() {
	if n := len(f.open); n > 0 && f.open[n-1].wantKey {
		f.open[n-1].wantKey = false
		f.open[n-1].name = string(f.out[f.begin:min(len(f.out), f.begin+2*maxName)])
	}
	if description, ok := f.blob.describe(); ok {
		f.cuts = append(f.cuts, Cut{f.path(), f.length, 0})
		f.out = append(f.out[:f.begin], description...)
	} else if f.long {
		head, _ := ends(f.out[f.begin:], f.side, true)
		_, from := ends(f.tail, f.side, true)
		kept := head + len(f.tail) - from
		f.cuts = append(f.cuts, Cut{f.path(), f.length, kept})
		f.out = append(append(f.out[:f.begin+head], leftOut(f.length-kept)...), f.tail[from:]...)
	}
	f.long, f.tail = false, f.tail[:0]
}

func (f *Filter) path() string {
	path := ""
	for _, l := range f.open {
		if l.list {
			path += "[" + strconv.Itoa(l.n) + "]"
		} else {
			path = member(path, l.name)
		}
	}
	return path
}

// drop makes room by replacing the oldest elements of the conversation with one note.
func (f *Filter) drop() {
	first := f.noteAt // after the note, or after the leading system messages
	for f.dropped == 0 && first < len(f.elements) && roleOf(f.out[f.elements[first].from:f.elements[first].to]) == "system" {
		first++
	}
	last, freed, passed := first, 0, 0
	for last < len(f.elements)-1 && len(f.out)-freed > f.limit/4*3 {
		e := f.elements[last]
		freed += e.to - e.from + len(",")
		passed += e.read
		last++
	}
	if last == first {
		f.full = true
		return
	}
	f.dropped += last - first
	from, to := f.elements[first].from, f.elements[last].from
	if f.noteAt > 0 {
		from, passed = f.note.from, passed+f.note.read
		first--
	}
	text := fmt.Sprintf("[%d older messages, %s bytes, left out]", f.dropped, grouped(passed))
	note := `{"role":"system","content":"` + text + `"},`
	if f.conversation == "contents" { // Gemini's
		note = `{"role":"user","parts":[{"text":"` + text + `"}]},`
	}
	rest := append([]byte(note), f.out[to:]...)
	f.out = append(f.out[:from], rest...)
	moved := from + len(note) - to
	f.note = element{from, from + len(note) - 1, passed}
	kept := append(append([]element{}, f.elements[:first]...), f.note)
	for _, e := range f.elements[last:] {
		kept = append(kept, element{e.from + moved, e.to + moved, e.read})
	}
	f.elements, f.noteAt = kept, first+1
	f.from.from += moved
	f.begin += moved
}
