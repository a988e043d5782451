package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/wire"
)

// OTLP's JSON is protobuf's, except that ids are hexadecimal and enums are numbers (OTLP
// specification, "JSON Protobuf Encoding"). Names are always lowerCamelCase; unknown names
// are ignored.

// elements calls fn for each element of an array. Any other value has none.
func elements(array []byte, fn func([]byte) error) error {
	for element := range wire.Elements(array) {
		if err := fn(element); err != nil {
			return err
		}
	}
	return nil
}

// memberOf returns the last member of an object with a name, or nil if there is none.
func memberOf(obj []byte, name string) (value []byte) {
	for m := jsonscan.MembersOf(obj); m.Next(); {
		if camel(m.Key) == name {
			value = m.Value
		}
	}
	return value
}

// camel returns a name in lowerCamelCase.
func camel(name []byte) string {
	if bytes.IndexByte(name, '_') < 0 {
		return string(name)
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i+1 < len(name) && 'a' <= name[i+1] && name[i+1] <= 'z' {
			i++
			b = append(b, name[i]-'a'+'A')
			continue
		}
		b = append(b, name[i])
	}
	return string(b)
}

func readJSON(body []byte, fn func(*origin, []byte) error) error {
	body = bytes.TrimSpace(body)
	if !json.Valid(body) || body[0] != '{' {
		return ErrMalformed
	}
	return elements(memberOf(body, "resourceSpans"), func(resource []byte) error {
		var from origin
		// An unreadable resource must not cost its spans.
		_ = from.resource.addJSON(memberOf(memberOf(resource, "resource"), "attributes"), &counter{})
		from.describe()
		return elements(memberOf(resource, "scopeSpans"), func(scoped []byte) error {
			return jsonScope(from, scoped, fn)
		})
	})
}

func jsonScope(from origin, scoped []byte, fn func(*origin, []byte) error) error {
	scope := memberOf(scoped, "scope")
	from.scope = jsonText(memberOf(scope, "name"))
	return elements(memberOf(scoped, "spans"), func(object []byte) error { return fn(&from, object) })
}

func jsonSpan(object []byte) (*span, error) {
	s, count := &span{}, counter{}
	for m := jsonscan.MembersOf(object); m.Next(); {
		if err := s.setJSON(camel(m.Key), m.Value, &count); err != nil {
			return nil, err
		}
	}
	if (s.trace == traceID{} || s.id == spanID{}) {
		return nil, errIDs
	}
	return s, nil
}

func (s *span) setJSON(name string, value []byte, count *counter) error {
	switch name {
	case "traceId":
		s.trace.set(jsonID(value))
	case "spanId":
		s.id.set(jsonID(value))
	case "parentSpanId":
		s.parent.set(jsonID(value))
	case "name":
		s.name = jsonText(value)
	case "kind":
		s.kind = jsonEnum(value, "SPAN_KIND_", spanKinds[:])
	case "startTimeUnixNano":
		s.start = jsonUint(value)
	case "endTimeUnixNano":
		s.end = jsonUint(value)
	case "attributes":
		return s.attributes.addJSON(value, count)
	case "events":
		return elements(value, func(e []byte) error { return s.addJSONEvent(e, count) })
	case "links":
		return elements(value, func(l []byte) error { return s.addJSONLink(l, count) })
	case "status":
		s.status = jsonText(memberOf(value, "message"))
		s.failed = jsonEnum(memberOf(value, "code"), "STATUS_CODE_", statusCodes[:]) == statusError
	case "flags":
		s.setFlags(jsonUint(value))
	}
	return nil
}

func (s *span) addJSONEvent(object []byte, count *counter) error {
	if err := count.add(); err != nil {
		return err
	}
	e := event{at: jsonUint(memberOf(object, "timeUnixNano")), name: jsonText(memberOf(object, "name"))}
	err := e.attributes.addJSON(memberOf(object, "attributes"), count)
	s.events = append(s.events, e)
	return err
}

func (s *span) addJSONLink(object []byte, count *counter) error {
	if err := count.add(); err != nil {
		return err
	}
	var l link
	l.trace.set(jsonID(memberOf(object, "traceId")))
	l.span.set(jsonID(memberOf(object, "spanId")))
	err := l.attributes.addJSON(memberOf(object, "attributes"), count)
	s.links = append(s.links, l)
	return err
}

// addJSON adds an array of KeyValues.
func (a *attributes) addJSON(array []byte, count *counter) error {
	return elements(array, func(keyValue []byte) error {
		key, value, err := jsonKeyValue(keyValue, count, 0)
		*a = append(*a, attribute{key: key, value: value})
		return err
	})
}

func jsonKeyValue(object []byte, count *counter, depth int) (string, any, error) {
	if err := count.add(); err != nil {
		return "", nil, err
	}
	value, err := jsonValue(memberOf(object, "value"), count, depth)
	return jsonText(memberOf(object, "key")), value, err
}

// jsonValue reads an AnyValue.
func jsonValue(raw []byte, count *counter, depth int) (value any, err error) {
	if depth > maxNested {
		return nil, errDeep
	}
	for m := jsonscan.MembersOf(raw); m.Next() && err == nil; {
		if string(m.Value) == "null" {
			continue
		}
		switch camel(m.Key) {
		case "stringValue":
			value = jsonText(m.Value)
		case "boolValue":
			value = string(m.Value) == "true"
		case "intValue":
			value = jsonInt(m.Value)
		case "doubleValue":
			value = jsonFloat(m.Value)
		case "arrayValue":
			value, err = jsonArray(memberOf(m.Value, "values"), count, depth+1)
		case "kvlistValue":
			value, err = jsonList(memberOf(m.Value, "values"), count, depth+1)
		case "bytesValue":
			value = jsonBytes(m.Value)
		}
	}
	return value, err
}

func jsonArray(array []byte, count *counter, depth int) (any, error) {
	values := []any{}
	err := elements(array, func(element []byte) error {
		if err := count.add(); err != nil {
			return err
		}
		value, err := jsonValue(element, count, depth)
		values = append(values, value)
		return err
	})
	return values, err
}

func jsonList(array []byte, count *counter, depth int) (any, error) {
	members := object{}
	err := elements(array, func(keyValue []byte) error {
		key, value, err := jsonKeyValue(keyValue, count, depth)
		members[key] = value
		return err
	})
	return members, err
}

// jsonText returns the text of a string, or "" for any other value.
func jsonText(value []byte) string {
	var s string
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// jsonID returns the bytes of a hexadecimal text, or nil for any other value.
func jsonID(value []byte) []byte {
	id, err := hex.DecodeString(jsonText(value))
	if err != nil {
		return nil
	}
	return id
}

// plain returns the digits of a number, which may be in a string.
func plain(value []byte) string {
	if len(value) > 0 && value[0] == '"' {
		return jsonText(value)
	}
	return string(value)
}

// jsonUint reads a whole number in any spelling. It returns 0 for any other value.
func jsonUint(value []byte) uint64 {
	digits := plain(value)
	if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return n
	}
	n, ok := jsonscan.Integer([]byte(digits))
	if !ok || n < 0 {
		return 0
	}
	return uint64(n)
}

// jsonInt reads a whole number in any spelling. A number that overflows int64 stays text.
func jsonInt(value []byte) any {
	n, ok := jsonscan.Integer([]byte(plain(value)))
	if !ok {
		return plain(value)
	}
	return n
}

// jsonEnum reads a number, or a name that it looks up in names.
func jsonEnum(value []byte, prefix string, names []string) uint64 {
	if i := slices.Index(names, strings.ToLower(strings.TrimPrefix(plain(value), prefix))); i >= 0 {
		return uint64(i)
	}
	return jsonUint(value)
}

func jsonFloat(value []byte) any {
	f, err := strconv.ParseFloat(plain(value), 64)
	if err != nil {
		return plain(value)
	}
	return finite(f)
}

// jsonBytes returns base64 in the standard alphabet; the URL alphabet is accepted too.
func jsonBytes(value []byte) any {
	s := jsonText(value)
	for _, encoding := range []*base64.Encoding{base64.URLEncoding, base64.RawURLEncoding, base64.RawStdEncoding} {
		if b, err := encoding.DecodeString(s); err == nil {
			return base64.StdEncoding.EncodeToString(b)
		}
	}
	return s
}
