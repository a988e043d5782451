package genai

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// maxDepth limits the nesting of messages, parts and contents of parts that is followed.
// Anything deeper is kept as PartOther.
const maxDepth = 8

// member is a member of an object.
type member struct {
	key   string
	value json.RawMessage
}

// object is a JSON object whose members are taken out one by one. The members that are left
// at the end are unknown, and are kept.
type object struct{ members []member }

// objectOf returns the members of an object, none for any other value.
func objectOf(raw []byte) object {
	var o object
	for key, value := range membersOf(raw) {
		o.members = append(o.members, member{key, value})
	}
	return o
}

// get returns the first member with one of the keys, in the order of the keys; nil if
// there is none but null.
func (o *object) get(keys ...string) json.RawMessage {
	if i := o.find(keys); i >= 0 {
		return o.members[i].value
	}
	return nil
}

func (o *object) find(keys []string) int {
	for _, key := range keys {
		for i, m := range o.members {
			if m.key == key && given(m.value) {
				return i
			}
		}
	}
	return -1
}

// take removes the member that get returns, and returns its value.
func (o *object) take(keys ...string) json.RawMessage {
	i := o.find(keys)
	if i < 0 {
		return nil
	}
	value := o.members[i].value
	o.members = slices.Delete(o.members, i, i+1)
	return value
}

// text returns a member that is a string, "" if it is anything else.
func (o *object) text(keys ...string) string {
	s, _ := stringOf(o.get(keys...))
	return s
}

// takeText removes and returns a member that is a string. It leaves any other value.
func (o *object) takeText(keys ...string) string {
	s, ok := stringOf(o.get(keys...))
	if ok {
		o.take(keys...)
	}
	return s
}

// sub returns the members of a member that is an object.
func (o *object) sub(keys ...string) object { return objectOf(o.get(keys...)) }

// has reports whether there is a member that is not null.
func (o *object) has(key string) bool { return o.find([]string{key}) >= 0 }

// isTrue reports whether a member is true.
func (o *object) isTrue(key string) bool { return string(o.get(key)) == "true" }

// rest returns the members that were not taken, as an object. Empty members and scalars of the
// envelope do not count; nil if nothing is left.
func (o *object) rest(envelope map[string]bool) json.RawMessage {
	var out []byte
	for _, m := range o.members {
		if envelope[m.key] && isScalar(m.value) || isEmpty(m.value) {
			continue
		}
		out = append(out, ',')
		out = appendString(out, m.key)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	if out == nil {
		return nil
	}
	out[0] = '{'
	return append(out, '}')
}

func isEmpty(raw []byte) bool {
	switch string(raw) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

func isScalar(raw []byte) bool { return !isObject(raw) && !isArray(raw) }

func isArray(raw []byte) bool { return len(raw) > 0 && raw[0] == '[' }

// stringOf returns the text of a string.
func stringOf(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// parsed returns the JSON that a string holds where that is an object or an array, nil
// for any other string, and for one that nests deeper than lines can.
func parsed(s string) json.RawMessage {
	b := bytes.TrimSpace([]byte(s))
	if (isObject(b) || isArray(b)) && json.Valid(b) && nesting(b) < maxNesting {
		return b
	}
	return nil
}

// maxNesting limits the nesting of JSON within a string that is parsed as JSON. It is below
// protocol.MaxDepth, because a line has levels around it.
const maxNesting = 900

// nesting returns how deep valid JSON nests.
func nesting(b []byte) int {
	depth, deepest, text := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++
		case text:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// membersOf yields the members of an object, their names decoded.
func membersOf(raw []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for m := jsonscan.MembersOf(raw); m.Next(); {
			name := string(m.Key)
			if strings.IndexByte(name, '\\') >= 0 {
				if decoded, ok := stringOf([]byte(`"` + name + `"`)); ok {
					name = decoded
				}
			}
			if !yield(name, m.Value) {
				return
			}
		}
	}
}

// elementsOf returns the elements of an array; there are none in any other value.
func elementsOf(raw []byte) []json.RawMessage {
	var all []json.RawMessage
	for _, element := range jsonscan.ElementsOf(raw) {
		all = append(all, element)
	}
	return all
}

// appendString appends a JSON string.
func appendString(dst []byte, s string) []byte { return append(dst, encode(s)...) }

// Given reports whether there is a value that is not null.
func Given(raw []byte) bool { return given(raw) }
