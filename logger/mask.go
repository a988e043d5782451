package logger

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/troupelog/troupe/internal/wire"
)

// unmasked are the members of a line's data that hold ids, times and types.
var unmasked = map[string]bool{
	"id": true, "sessionId": true, "spanId": true, "key": true,
	"startTimestamp": true, "endTimestamp": true, "type": true, "mimeType": true, "mime_type": true,
}

// texts are the members of a line's data whose values are texts that hold JSON.
var texts = map[string]bool{"metadata": true, "modelParameters": true}

// mask returns a line with all its texts masked, and the new position of the byte that was
// at position at. It reports false if hook panicked.
func mask(line []byte, at int, hook func(string) string) (masked []byte, moved int, ok bool) {
	defer func() { ok = recover() == nil }()
	m := masker{hook: hook, in: line, at: at, out: make([]byte, 0, len(line))}
	start := bytes.Index(line, dataMark) + len(dataMark)
	m.out = append(m.out, line[:start]...)
	m.pos = start
	for m.pos < len(line) {
		m.step()
	}
	return m.out, m.moved, true
}

// dataMark precedes the data of a line. It cannot occur earlier, because ids hold no comma.
var dataMark = []byte(",data=")

// masker copies JSON and masks its texts. The encoder wrote the JSON, so it is well formed.
type masker struct {
	hook      func(string) string
	in, out   []byte
	pos       int
	at, moved int
	depth     int
	key       []byte // the key that the next value at depth 1 belongs to
}

// step copies one string, or one other byte.
func (m *masker) step() {
	c := m.in[m.pos]
	if c == '"' {
		m.text()
		return
	}
	switch c {
	case '{', '[':
		m.depth++
	case '}', ']':
		m.depth--
	}
	m.out = append(m.out, c)
	m.pos++
}

// text copies one string: a key or an unmasked member as it is, any other masked.
func (m *masker) text() {
	end := m.pos + 1
	for m.in[end] != '"' {
		if m.in[end] == '\\' {
			end++
		}
		end++
	}
	end++
	quoted := m.in[m.pos:end]
	inside := m.at > m.pos && m.at < end
	if inside {
		m.moved = len(m.out) + m.at - m.pos
	}
	m.pos = end
	isKey := end < len(m.in) && m.in[end] == ':'
	if isKey && m.depth == 1 {
		m.key = quoted[1 : len(quoted)-1]
	}
	if isKey || inside || m.depth == 1 && unmasked[string(m.key)] {
		m.out = append(m.out, quoted...)
		return
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		panic(err)
	}
	if m.depth == 2 && texts[string(m.key)] && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) && json.Valid([]byte(s)) {
		inner := masker{hook: m.hook, in: []byte(s), depth: 2}
		for inner.pos < len(inner.in) {
			inner.step()
		}
		m.out = wire.AppendString(m.out, string(inner.out))
		return
	}
	m.out = wire.AppendString(m.out, m.hook(s))
}
