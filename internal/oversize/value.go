package oversize

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
)

// Value returns a copy of a value with long texts cut, and the cuts, with paths relative to the
// value. All long texts are cut if tight is set or the value is large, otherwise only texts that
// exceed the limit by themselves. The value is never written to: the parts on the way to a cut are copied, the others shared. Lists and
// maps lose the elements beyond twice the limit. The output of marshallers is unknown here and
// stays.
func Value(v any, size Size, tight bool, mask func(string) string) (any, []Cut) {
	if v == nil {
		return v, nil
	}
	c := cutter{limit: Limit, left: most, mask: mask}
	if tight || size.Bytes > most {
		c.limit = Long
	}
	copied := reflect.New(reflect.TypeOf(v)).Elem()
	copied.Set(reflect.ValueOf(v))
	if copied.Kind() == reflect.String || isBytes(copied) {
		short, kept := c.leaf(copied)
		if kept == copied.Len() {
			return v, nil
		}
		c.note("", copied.Len(), kept)
		return short, c.cuts
	}
	c.value(copied, "", 0)
	return copied.Interface(), c.cuts
}

// cutter cuts long texts in copies of values.
type cutter struct {
	limit int // the longest text that stays
	left  int // bytes that the value may still have
	mask  func(string) string
	cuts  []Cut
}

func (c *cutter) note(path string, n, kept int) {
	c.cuts = append(c.cuts, Cut{path, n, kept})
}

func isBytes(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type() != rawType && v.Type().Elem().Kind() == reflect.Uint8
}

// leaf returns the short form of a text, or the description of bytes.
func (c *cutter) leaf(v reflect.Value) (short string, kept int) {
	if v.Kind() == reflect.String {
		return Text(v.String(), c.mask)
	}
	return bytesWere(v.Bytes()), 0
}

// value cuts within v, a copy that can be set. It follows at most levels of nesting; deeper values
// are rejected later, by the encoder.
func (c *cutter) value(v reflect.Value, path string, levels int) {
	if levels > 4*maxHops || opaque(v) && v.Type() != rawType {
		return
	}
	switch v.Kind() {
	case reflect.String:
		c.left -= min(v.Len(), c.limit) + 3
		if v.Len() > c.limit {
			short, kept := Text(v.String(), c.mask)
			c.note(path, v.Len(), kept)
			v.SetString(short)
		}
	case reflect.Interface:
		c.inside(v, path, levels)
	case reflect.Pointer:
		if !v.IsNil() {
			copied := reflect.New(v.Type().Elem())
			copied.Elem().Set(v.Elem())
			c.value(copied.Elem(), path, levels+1)
			v.Set(copied)
		}
	case reflect.Struct:
		for _, i := range fieldsOf(v.Type()) {
			if field := v.Field(i); field.CanSet() || field.Kind() == reflect.Struct {
				c.value(field, member(path, nameOf(v.Type().Field(i))), levels+1)
			}
		}
	case reflect.Map:
		c.members(v, path, levels)
	case reflect.Slice, reflect.Array:
		c.list(v, path, levels)
	default:
		c.left -= 2
	}
}

// inside cuts the value of an interface. There, bytes may become a text.
func (c *cutter) inside(v reflect.Value, path string, levels int) {
	if v.IsNil() {
		return
	}
	inner := v.Elem()
	if isBytes(inner) && inner.Len()/3*4 > c.limit && v.NumMethod() == 0 {
		short, kept := c.leaf(inner)
		c.note(path, inner.Len(), kept)
		v.Set(reflect.ValueOf(short))
		return
	}
	copied := reflect.New(inner.Type()).Elem()
	copied.Set(inner)
	c.value(copied, path, levels+1)
	v.Set(copied)
}

func (c *cutter) members(v reflect.Value, path string, levels int) {
	if v.IsNil() {
		return
	}
	copied := reflect.MakeMap(v.Type())
	dropped := 0
	for each := v.MapRange(); each.Next(); {
		key := each.Key()
		if c.left <= 0 || key.Kind() == reflect.String && key.Len() > c.limit {
			dropped++
			continue
		}
		name := ""
		if key.Kind() == reflect.String {
			name = key.String()
			c.left -= key.Len() + 3
		}
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(each.Value())
		c.value(value, member(path, name), levels+1)
		copied.SetMapIndex(key, value)
	}
	if dropped > 0 {
		c.note(fmt.Sprintf("%s (%d members)", path, dropped), dropped, 0)
	}
	v.Set(copied)
}

func (c *cutter) list(v reflect.Value, path string, levels int) {
	switch {
	case v.Type() == rawType:
		// The encoder reports text that is not JSON.
		if v.Len() > c.limit && !jsonscan.Deeper(v.Bytes(), protocol.MaxDepth) && json.Valid(v.Bytes()) {
			short, cuts := Shorten(v.Bytes(), c.limit)
			for _, cut := range cuts {
				c.note(Join(path, cut.Path), cut.Bytes, cut.Kept)
			}
			v.Set(reflect.ValueOf(json.RawMessage(short)))
		}
		c.left -= min(v.Len(), c.limit)
		return
	case isBytes(v):
		if v.Len()/3*4 > c.limit { // a field of bytes holds no text
			c.note(path, v.Len(), 0)
			v.SetZero()
		}
		c.left -= v.Len() / 3 * 4
		return
	}
	n := v.Len()
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			return
		}
		if flat(v.Type().Elem().Kind()) {
			n = min(n, max(0, c.left/2))
			c.left -= 2 * n
		}
		copied := reflect.MakeSlice(v.Type(), n, n)
		reflect.Copy(copied, v)
		v.Set(copied)
	}
	if flat(v.Type().Elem().Kind()) {
		c.shorter(path, v.Len(), n)
		return
	}
	for i := range n {
		if c.left <= 0 && v.Kind() == reflect.Slice {
			c.shorter(path, n, i)
			v.Set(v.Slice(0, i))
			return
		}
		c.value(v.Index(i), fmt.Sprintf("%s[%d]", path, i), levels+1)
	}
}

// shorter records that a list lost its last elements.
func (c *cutter) shorter(path string, n, kept int) {
	if kept < n {
		c.note(fmt.Sprintf("%s[%d:]", path, kept), n-kept, 0)
	}
}

// nameOf returns the JSON name of a field, without the options of its tag.
func nameOf(f reflect.StructField) string {
	tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if tag != "" {
		return tag
	}
	if f.Anonymous {
		return ""
	}
	return f.Name
}
