package otlp

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/wire"
)

// attribute is a name and its value: nil, a string, a bool, an int64, a float64, []any or
// object. Bytes are in base64, NaN and the infinities are texts, as in JSON of protobuf.
type attribute struct {
	key   string
	value any
	used  bool // it has a place of its own, and is no metadata
}

type object = map[string]any

// attributes are those of one span, event or resource. They belong to one goroutine.
type attributes []attribute

// get returns the value of the first of the keys that there is, nil if there is none. That
// has then a place of its own, and so have the other keys.
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

// peek is get for one key, which stays metadata.
func (a attributes) peek(key string) any {
	for i := range a {
		if a[i].key == key {
			return a[i].value
		}
	}
	return nil
}

// text returns the first text that there is among the keys, "" if there is none.
func (a attributes) text(keys ...string) string { return textOf(a.get(keys...)) }

// look is text for keys that stay metadata.
func (a attributes) look(keys ...string) string {
	for _, key := range keys {
		if s := textOf(a.peek(key)); s != "" {
			return s
		}
	}
	return ""
}

// textOf returns a text as it is, another scalar as it is written, else "".
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

// number reads a number, also out of a text.
func number(v any) (float64, bool) {
	f, err := strconv.ParseFloat(textOf(v), 64)
	return f, err == nil && f-f == 0 // neither NaN nor infinite
}

// maxSegments bounds how deep attributes are put together from their names. What is
// behind the last dot that counts is one name.
const maxSegments = 12

// tree puts together what attributes with a prefix say, as in prefix.0.role. The result
// is nil if there are none. Lists stay objects whose names are numbers; see list.
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

// list returns the elements of an array, or of an object whose names are numbers, in
// order of these; nil if there are none.
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

// member returns what is found by following names from object to object, nil if that ends.
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

// parsed returns the array or object that a text holds as JSON, else v itself. What has
// more values than a span may have, or is nested deeper than its values may be, is left as
// text.
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

// verbatim returns the array or object that a text holds as JSON as it is written, else v
// itself.
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

// value returns the value of the first of the keys that there is: an array or object that
// is JSON in a text, and the text that OpenLLMetry has as JSON.
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

// tooDeep reports whether JSON is nested deeper than values may be.
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

// asJSON returns a text as it is, and the JSON of anything else.
func asJSON(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := wire.AppendAny(nil, v)
	if err != nil {
		return "" // never: values are those of JSON
	}
	return string(text)
}
