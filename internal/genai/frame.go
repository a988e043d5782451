package genai

import (
	"bytes"
)

// Frames cuts a body into its values and passes each on as soon as it is complete. The
// slices it passes on stay valid. Values longer than a maximum are left out, and over is
// called for each. It belongs to one goroutine.
type Frames interface {
	// Write takes the next bytes of the body.
	Write(p []byte)
	// Finish takes the end of the body. It passes on an event whose blank line is missing:
	// the specification drops it, but servers that end like this mean it.
	Finish()
	// Within reports whether a value has begun and not ended.
	Within() bool
	// Spoiled reports whether the body has turned out to be something else.
	Spoiled() bool
	// Tail returns the last maxTail bytes of the last value that was too long.
	Tail() []byte
}

// NewEvents returns Frames for server-sent events, each passed on with its name.
func NewEvents(longest int, emit func(name string, data []byte), over func()) Frames {
	return &sseFrames{emit: emit, over: over, max: longest}
}

// NewValues returns Frames for JSON objects: one that is the whole body, one per line, or the
// elements of an array. Names are "".
func NewValues(longest int, emit func(name string, data []byte), over func()) Frames {
	return &jsonFrames{emit: emit, over: over, max: longest}
}

// maxTail limits the end that is kept of a value that is too long, in bytes. The usage of a
// call is often there.
const maxTail = 4096

// tailing keeps the end of a value that is too long.
type tailing struct{ last []byte }

// keep appends to the end that is kept, and drops as much of its beginning.
func (t *tailing) keep(p []byte) {
	if len(p) >= maxTail {
		t.last = append(t.last[:0], p[len(p)-maxTail:]...)
		return
	}
	if over := len(t.last) + len(p) - maxTail; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	t.last = append(t.last, p...)
}

func (t *tailing) Tail() []byte { return t.last }

// sseFrames reads server-sent events as specified in
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
// Lines and events longer than max are left out, and over is called.
type sseFrames struct {
	tailing
	emit func(name string, data []byte)
	over func()
	max  int

	line  []byte // the line so far
	long  bool   // the line is too long
	cr    bool   // the line before ended in CR: a LF that follows belongs to it
	begun bool   // the first line has come
	name  string
	data  []byte
	some  bool // data has a line
	skip  bool // the event is too long
}

func (e *sseFrames) Write(p []byte) {
	if e.cr && len(p) > 0 {
		e.cr = false
		if p[0] == '\n' {
			p = p[1:]
		}
	}
	for len(p) > 0 {
		end := bytes.IndexAny(p, "\r\n")
		if end < 0 {
			e.add(p)
			return
		}
		e.add(p[:end])
		e.endLine()
		if p[end] == '\r' {
			if end+1 == len(p) {
				e.cr = true
				return
			}
			if p[end+1] == '\n' {
				end++
			}
		}
		p = p[end+1:]
	}
}

// add appends to the line. A line that becomes too long is dropped up to its end.
func (e *sseFrames) add(p []byte) {
	if e.long || len(e.line)+len(p) > e.max {
		e.keep(e.line)
		e.keep(p)
		e.long, e.line = true, e.line[:0]
		return
	}
	e.line = append(e.line, p...)
}

var byteOrderMark = []byte("\ufeff")

// endLine takes a whole line: an empty one ends the event.
func (e *sseFrames) endLine() {
	line, long := e.line, e.long
	if !e.begun {
		e.begun = true
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	switch {
	case long:
		e.skip = true
	case len(line) == 0:
		e.dispatch()
	default:
		e.field(line)
	}
	e.line, e.long = e.line[:0], false
}

// field reads a line of an event. Comments and unknown fields are ignored, as the
// specification asks for; id and retry mean nothing here.
func (e *sseFrames) field(line []byte) {
	key, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(key) {
	case "event":
		e.name = string(value)
	case "data":
		if len(e.data)+len(value) > e.max {
			e.skip = true
			return
		}
		if e.some {
			e.data = append(e.data, '\n')
		}
		e.data, e.some = append(e.data, value...), true
	}
}

// dispatch passes the event on, if it has data. An event with a line that was too long is left
// out as a whole: half of it would be taken for all.
func (e *sseFrames) dispatch() {
	name, data, some, skip := e.name, e.data, e.some, e.skip
	e.name, e.data, e.some, e.skip = "", nil, false, false
	switch {
	case skip:
		e.over()
	case some:
		e.emit(name, data)
	}
}

func (e *sseFrames) Within() bool { return len(e.line) > 0 || e.some || e.long || e.skip }

func (e *sseFrames) Spoiled() bool { return false }

// Finish implements Frames.
func (e *sseFrames) Finish() {
	if len(e.line) > 0 || e.long {
		e.endLine()
	}
	e.dispatch()
}

// jsonFrames reads JSON objects one behind the other: a body that is one, lines of them, and
// the elements of an array. Objects longer than max are left out, and over is called.
type jsonFrames struct {
	tailing
	emit func(name string, data []byte)
	over func()
	max  int

	depth   int
	text    bool // within a string
	escaped bool // behind a backslash
	long    bool // the object is too long
	bad     bool // there was something else
	value   []byte
}

func (o *jsonFrames) Write(p []byte) {
	for len(p) > 0 && !o.bad {
		if o.depth == 0 {
			p = o.between(p)
			continue
		}
		n, ended := o.inside(p)
		o.add(p[:n])
		p = p[n:]
		if ended {
			o.end()
		}
	}
}

// between skips the bytes between objects and enters the next object. Anything but space,
// commas and brackets spoils the body.
func (o *jsonFrames) between(p []byte) []byte {
	for i, c := range p {
		switch c {
		case '{':
			o.depth = 1
			o.add(p[i : i+1])
			return p[i+1:]
		case ' ', '\t', '\r', '\n', ',', '[', ']', 0xEF, 0xBB, 0xBF: // the last are the byte order mark
		default:
			o.bad = true
			return nil
		}
	}
	return nil
}

// inside returns how much of p belongs to the object, and whether it ends there.
func (o *jsonFrames) inside(p []byte) (int, bool) {
	for i := 0; i < len(p); i++ {
		if o.text {
			n := o.inText(p[i:])
			if n < 0 {
				return len(p), false
			}
			i += n
			continue
		}
		switch p[i] {
		case '"':
			o.text = true
		case '{', '[':
			o.depth++
		case '}', ']':
			if o.depth--; o.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(p), false
}

// inText returns the index of the quote that ends the string, -1 if it is not in p.
func (o *jsonFrames) inText(p []byte) int {
	i := 0
	if o.escaped {
		o.escaped, i = false, 1
	}
	for i < len(p) {
		n := bytes.IndexAny(p[i:], `"\`)
		if n < 0 {
			return -1
		}
		if i += n; p[i] == '"' {
			o.text = false
			return i
		}
		if i += 2; i > len(p) {
			o.escaped = true
		}
	}
	return -1
}

// add appends to the object. An object that becomes too long is dropped up to its end.
func (o *jsonFrames) add(p []byte) {
	if o.long || len(o.value)+len(p) > o.max {
		o.keep(o.value)
		o.keep(p)
		o.long, o.value = true, nil
		return
	}
	o.value = append(o.value, p...)
}

// end passes the object on.
func (o *jsonFrames) end() {
	value, long := o.value, o.long
	o.value, o.long = nil, false
	if long {
		o.over()
		return
	}
	o.emit("", value)
}

func (o *jsonFrames) Within() bool { return o.depth > 0 }

func (o *jsonFrames) Spoiled() bool { return o.bad }

// Finish implements Frames: an object that has not ended is incomplete.
func (o *jsonFrames) Finish() {}
