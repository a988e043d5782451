package genai

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"io"
)

// Hash returns a hash of the role, the name and the parts. It is equal for messages with the
// same content: neither the provider's form nor the order of members in arguments changes
// it, nor do marks such as cache_control, which move from message to message between calls.
func (m *Message) Hash() [sha256.Size]byte {
	h := sha256.New()
	field(h, m.Role)
	field(h, m.Name)
	for i := range m.Parts {
		m.Parts[i].hash(h)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// hash writes everything about a part that counts. The name of a tool counts for a call only:
// results get theirs when they are paired.
func (p *Part) hash(h hash.Hash) {
	for _, s := range []string{string(p.Kind), p.Text, p.MIME, p.URL, p.Data, p.CallID} {
		field(h, s)
	}
	if p.Kind == PartToolCall {
		field(h, p.Tool)
	}
	field(h, canonical(p.Arguments))
	field(h, canonical(p.Result))
	if p.Kind == PartOther {
		field(h, canonical(p.Raw))
	}
}

// field writes a text and its length before it, so that fields cannot run into another.
func field(h hash.Hash, s string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(s)))
	h.Write(length[:])
	_, _ = io.WriteString(h, s) // a hash never fails
}

// canonical returns JSON with the members of objects sorted and without space. Numbers
// stay as they are written.
func canonical(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// CommonPrefix returns the number of messages at the beginning of a and b that are equal by
// Hash. The messages of b after them are new since a.
func CommonPrefix(a, b []Message) int {
	n := 0
	for n < len(a) && n < len(b) && a[n].Hash() == b[n].Hash() {
		n++
	}
	return n
}
