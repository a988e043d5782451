package otlp

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/wire"
)

// attribute is a name and its value: nil, a string, a bool, an int64, a float64, []any or
// object. As in protobuf's JSON, bytes are base64, and NaN and the infinities are strings.
type attribute struct {
	key   string
	value any
	used  bool // mapped to a field, so not metadata
}

type object = map[string]any

// attributes belong to one span, event or resource. They are owned by one goroutine.
type attributes []attribute

// get returns the value of the first key that is present, or nil if none is. It marks all
// of the keys as used, so that none of them becomes metadata.
func (a attributes) get(keys ...string) (found any) {
	for _, key := range keys {
		for i := range a {
			if a[i].key == key {
				if a[i].used = true; found == nil {
					found = a[i].value
				}
			}
		}
	}
	return found
}

// peek is like get for one key, but leaves it in the metadata.
func (a attributes) peek(key string) any {
	for i := range a {
		if a[i].key == key {
			return a[i].value
		}
	}
	return nil
}

// text returns the first text found under the keys, or "" if there is none.
func (a attributes) text(keys ...string) string { return textOf(a.get(keys...)) }

// look is like text, but leaves the keys in the metadata.
func (a attributes) look(keys ...string) string {
	for _, key := range keys {
		if s := textOf(a.peek(key)); s != "" {
			return s
		}
	}
	return ""
}

// textOf returns a string unchanged, another scalar in its written form, else "".
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// number reads a number, or a text that holds one.
func number(v any) (float64, bool) {
	f, err := strconv.ParseFloat(textOf(v), 64)
	return f, err == nil && f-f == 0 // neither NaN nor infinite
}

// maxSegments limits how many levels tree builds from a dotted name. The rest of a longer
// name stays one key.
const maxSegments = 12

// tree builds nested objects from the attributes with a prefix, such as prefix.0.role. It
// returns nil if there are none. Lists stay objects with numbers as names; see list.
func (a attributes) tree(prefix string) object {
	var root object
	for i := range a {
		name, ok := strings.CutPrefix(a[i].key, prefix+".")
		if !ok {
			continue
		}
		if root == nil {
			root = object{}
		}
		a[i].used = true
		into := root
		segments := strings.SplitN(name, ".", maxSegments)
		for _, segment := range segments[:len(segments)-1] {
			below, ok := into[segment].(object)
			if !ok {
				below = object{}
				into[segment] = below
			}
			into = below
		}
		into[segments[len(segments)-1]] = a[i].value
	}
	return root
}

// list returns the elements of an array, or of an object whose names are numbers, in the
// order of the numbers. It returns nil if there are none.
func list(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case object:
		var places []int
		for name := range v {
			if n, err := strconv.Atoi(name); err == nil && strconv.Itoa(n) == name {
				places = append(places, n)
			}
		}
		if places == nil {
			return nil
		}
		slices.Sort(places)
		elements := make([]any, len(places))
		for i, n := range places {
			elements[i] = v[strconv.Itoa(n)]
		}
		return elements
	default:
		return nil
	}
}

// member follows names from object to object. It returns nil if one of them is missing.
func member(v any, names ...string) any {
	for _, name := range names {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

// parsed returns the array or object that a text holds as JSON, else v itself. JSON with more
// values or deeper nesting than a span may have stays text.
func parsed(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '{' && s[0] != '[' || strings.Count(s, ",")+strings.Count(s, "{")+strings.Count(s, "[") > maxValues {
		return v
	}
	if !json.Valid([]byte(s)) || tooDeep(s) {
		return v
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return v
	}
	return value
}

// verbatim returns the array or object that a text holds as JSON, in its original spelling,
// else v itself.
func verbatim(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '{' && s[0] != '[' || !json.Valid([]byte(s)) || tooDeep(s) {
		return v
	}
	return json.RawMessage(s)
}

// value returns the value of the first key that is present. It parses a text that holds a
// JSON array or object, and the JSON strings of OpenLLMetry.
func (a attributes) value(keys ...string) any {
	for _, key := range keys {
		v := a.peek(key)
		if v == nil {
			continue
		}
		a.get(keys...)
		if quoted, ok := v.(string); ok && strings.HasPrefix(key, "traceloop.") {
			var text string
			if json.Unmarshal([]byte(quoted), &text) == nil {
				return text
			}
		}
		return verbatim(v)
	}
	return nil
}

// tooDeep reports whether JSON is nested more deeply than values may be.
func tooDeep(s string) bool {
	depth, inText := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			inText = !inText
		case inText && c == '\\':
			i++
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxNested {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// asJSON returns a string unchanged, and any other value as JSON.
func asJSON(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := wire.AppendAny(nil, v)
	if err != nil {
		return "" // unreachable: all values come from JSON
	}
	return string(text)
}
