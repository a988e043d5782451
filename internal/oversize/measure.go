package oversize

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/troupelog/troupe/internal/protocol"
)

// Size is the result of Measure.
type Size struct {
	// Bytes is the approximate length of the value's JSON. Escapes and the output of marshallers
	// are not counted.
	Bytes int
	// Longest is the length of the longest text in the value, in bytes.
	Longest int
	// Deep reports that the JSON would have too many levels, or that the value contains itself.
	Deep bool
	// Opaque reports that marshallers write parts of the JSON, whose levels are not counted.
	Opaque bool
}

// Over reports whether a value must be cut before it is encoded.
func (s Size) Over() bool { return s.Longest > Limit || s.Bytes > most }

// Measure estimates the JSON of a value by the rules of encoding/json, without encoding it. It may
// have at most levels of arrays and objects, which also limits the depth of recursion. Measure
// stops once it has seen twice the limit of a line, so that values with shared pointers, whose JSON
// can be exponentially large, take linear time.
func Measure(v any, levels int) Size {
	m := measurer{left: most}
	m.any(v, levels)
	return m.size
}

// measurer walks a value.
type measurer struct {
	size Size
	left int // remaining bytes of structure to look at
}

// maxHops limits the number of pointers and interfaces that lead to one value: a pointer may point
// to itself.
const maxHops = protocol.MaxDepth

// text counts a text of n bytes.
func (m *measurer) text(n int) {
	m.size.Bytes += n + len(`"",`)
	m.size.Longest = max(m.size.Longest, n)
	m.left -= len(`"",`)
}

// scalar counts a number, a bool or null.
func (m *measurer) scalar() {
	m.size.Bytes += 2
	m.left -= 2
}

// done reports whether the result cannot change any more, or the budget is used up.
func (m *measurer) done() bool {
	if m.left <= 0 {
		m.size.Bytes = max(m.size.Bytes, most+1)
		return true
	}
	return m.size.Deep
}

// enter counts a level of arrays and objects.
func (m *measurer) enter(levels int) bool {
	if levels <= 0 {
		m.size.Deep = true
	}
	m.scalar()
	return !m.done()
}

// any measures the common types without reflection.
func (m *measurer) any(v any, levels int) {
	switch v := v.(type) {
	case nil, bool, int, int64, float64, json.Number:
		m.scalar()
	case string:
		m.text(len(v))
	case json.RawMessage:
		m.raw(len(v))
	case []byte:
		m.text(len(v) / 3 * 4)
	case map[string]any:
		if !m.enter(levels) {
			return
		}
		for key, value := range v {
			m.text(len(key))
			if m.any(value, levels-1); m.done() {
				return
			}
		}
	case []any:
		if !m.enter(levels) {
			return
		}
		for _, value := range v {
			if m.any(value, levels-1); m.done() {
				return
			}
		}
	case map[string]string:
		if !m.enter(levels) {
			return
		}
		for key, value := range v {
			m.text(len(key))
			m.text(len(value))
		}
	default:
		m.value(reflect.ValueOf(v), levels)
	}
}

// raw measures JSON text. Whether it is valid is checked when it is encoded.
func (m *measurer) raw(n int) {
	m.size.Opaque = true
	m.text(n)
}

func (m *measurer) value(v reflect.Value, levels int) {
	for hops := 0; ; hops++ {
		if !v.IsValid() {
			m.scalar()
			return
		}
		if opaque(v) {
			m.size.Opaque = true
			m.scalar()
			return
		}
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		if hops == maxHops {
			m.size.Deep = true
			return
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		m.text(v.Len())
	case reflect.Struct:
		if !m.enter(levels) {
			return
		}
		m.fields(v, levels)
	case reflect.Map:
		if !m.enter(levels) {
			return
		}
		for each := v.MapRange(); each.Next() && !m.done(); {
			if key := each.Key(); key.Kind() == reflect.String {
				m.text(key.Len())
			}
			m.value(each.Value(), levels-1)
		}
	case reflect.Slice, reflect.Array:
		m.list(v, levels)
	default:
		m.scalar()
	}
}

func (m *measurer) fields(v reflect.Value, levels int) {
	for _, i := range fieldsOf(v.Type()) {
		m.scalar()
		if m.value(v.Field(i), levels-1); m.done() {
			return
		}
	}
}

func (m *measurer) list(v reflect.Value, levels int) {
	switch kind := v.Type().Elem().Kind(); {
	case v.Type() == rawType:
		m.raw(v.Len())
	case kind == reflect.Uint8:
		m.text(v.Len() / 3 * 4)
	case !m.enter(levels):
	case flat(kind) && !opaqueType(v.Type().Elem()):
		m.size.Bytes += 2 * v.Len()
		m.left -= 2 * v.Len()
		m.done()
	default:
		for i := 0; i < v.Len() && !m.done(); i++ {
			m.value(v.Index(i), levels-1)
		}
	}
}

// flat reports whether values of a kind have no parts.
func flat(k reflect.Kind) bool { return k <= reflect.Complex128 }

var (
	rawType        = reflect.TypeFor[json.RawMessage]()
	marshaler      = reflect.TypeFor[json.Marshaler]()
	textMarshaler  = reflect.TypeFor[encoding.TextMarshaler]()
	structFields   sync.Map // reflect.Type → []int; immutable slices
	marshalerTypes sync.Map // reflect.Type → means
)

// means lists the marshallers that write the JSON of a type's values.
type means struct{ always, addressed bool }

// opaque reports whether a marshaller writes the JSON of a value, by the rules of encoding/json: one
// with a pointer receiver is used only if the value is addressable.
func opaque(v reflect.Value) bool {
	t := v.Type()
	if t == rawType || t.PkgPath() == "" && t.Kind() != reflect.Struct && t.Kind() != reflect.Pointer {
		return false // an unnamed type has no methods
	}
	known, ok := marshalerTypes.Load(t)
	if !ok {
		of := func(t reflect.Type) bool { return t.Implements(marshaler) || t.Implements(textMarshaler) }
		known = means{of(t) && t.Kind() != reflect.Interface, t.Kind() != reflect.Pointer && of(reflect.PointerTo(t))}
		marshalerTypes.Store(t, known)
	}
	by := known.(means)
	if by.always {
		return t.Kind() != reflect.Pointer || !v.IsNil()
	}
	return by.addressed && v.CanAddr()
}

// fieldsOf returns the indexes of the fields that encoding/json writes and that have parts or
// texts.
func fieldsOf(t reflect.Type) []int {
	if known, ok := structFields.Load(t); ok {
		return known.([]int)
	}
	var fields []int
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		omitted := f.Tag.Get("json") == "-"
		embedded := f.Anonymous && name == "" // its fields are promoted
		if omitted || !f.IsExported() && !(embedded && isStruct(f.Type)) || flat(f.Type.Kind()) && !opaqueType(f.Type) {
			continue
		}
		fields = append(fields, i)
	}
	structFields.Store(t, fields)
	return fields
}

func opaqueType(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(marshaler) || p.Implements(textMarshaler)
}

func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}
