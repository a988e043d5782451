package conformance

import (
	"math/big"
	"time"

	"github.com/troupelog/troupe/logger"
)

// Reasons why a case, or a part of it, cannot be played.
const (
	skipType    = "a value that the Go type cannot hold"
	skipForeign = "a value that Go has no type for"
	skipCall    = "no such call in Go"
	skipZero    = "Go zero value: it means not given"
	skipField   = "a field that the Go type does not have"
	skipSink    = "sinks keep their own keys, and Flush covers them"
	skipState   = "state from outside the case"
)

// skip ends the playing of a case. It is a panic, so that the readers below can be
// used inside expressions; perform recovers it.
type skip struct{ reason string }

// arguments are the decoded arguments of a call, or an object in them.
type arguments struct {
	fields map[string]any
	notes  *notes
}

// notes are taken while arguments are read.
type notes struct {
	lost   []loss           // members that were left out of the calls
	handed []map[string]any // the messages that the calls were given
}

// loss is a member that Go cannot express and that was left out of the call. The
// rest of the case is played; it must then equal the SDK's lines except for the loss.
type loss struct {
	object string // wire name of the object it was in; "" is the data itself
	key    string
	reason string
}

func (a arguments) lose(object, key, reason string) {
	a.notes.lost = append(a.notes.lost, loss{object, key, reason})
}

func (a arguments) has(key string) bool { return a.fields[key] != nil }

// pick returns the first of the keys that is there.
func (a arguments) pick(keys ...string) string {
	for _, key := range keys {
		if _, ok := a.fields[key]; ok {
			return key
		}
	}
	return keys[0]
}

// text returns a string; null and absent are "".
func (a arguments) text(keys ...string) string {
	switch v := a.fields[a.pick(keys...)].(type) {
	case nil:
		return ""
	case string:
		return v
	case foreign:
		panic(skip{skipForeign})
	default:
		panic(skip{skipType})
	}
}

// newID returns the id of the entity that a call begins. An empty id, which the SDKs refuse,
// cannot be distinguished from none.
func (a arguments) newID(keys ...string) string {
	if a.fields[a.pick(keys...)] == "" {
		panic(skip{skipZero})
	}
	return a.text(keys...)
}

// value returns any value, as a Go program would hand it over.
func (a arguments) value(key string) any {
	if !expressible(a.fields[key]) {
		panic(skip{skipForeign})
	}
	return plain(a.fields[key])
}

func (a arguments) number(key string) float64 {
	switch v := a.fields[key].(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case *big.Int:
		f, _ := v.Float64()
		return f
	case nil:
		panic(skip{skipZero})
	default:
		panic(skip{skipType})
	}
}

// time returns a time; null and absent are the zero time.
func (a arguments) time(key string) time.Time {
	switch v := a.fields[key].(type) {
	case nil:
		return time.Time{}
	case time.Time:
		return v
	default:
		panic(skip{skipType})
	}
}

// object returns an object; ok is false for null and absent.
func (a arguments) object(key string) (in arguments, ok bool) {
	switch v := a.fields[key].(type) {
	case nil:
		return arguments{map[string]any{}, a.notes}, false
	case map[string]any:
		return arguments{v, a.notes}, true
	case instance:
		return arguments{v.fields, a.notes}, true
	default:
		panic(skip{skipType})
	}
}

// tags returns the strings of an object and loses its other members.
func (a arguments) tags(key string) map[string]string {
	object, ok := a.object(key)
	if !ok {
		return nil
	}
	tags := map[string]string{}
	for k, v := range object.fields {
		switch v := v.(type) {
		case string:
			tags[k] = v
		case foreign:
			panic(skip{skipForeign})
		default:
			a.lose("tags", k, skipType)
		}
	}
	return tags
}

// values returns an object of any values and loses those that Go has no type for.
// wire is the name that the object has in a line.
func (a arguments) values(key, wire string) map[string]any {
	object, ok := a.object(key)
	if !ok {
		return nil
	}
	values := map[string]any{}
	for k, v := range object.fields {
		if expressible(v) && (wire != "metadata" || !holdsInstance(v)) {
			values[k] = plain(v)
		} else {
			a.lose(wire, k, skipForeign)
		}
	}
	if len(values) == 0 && len(object.fields) > 0 {
		panic(skip{skipForeign})
	}
	return values
}

// result returns a model's answer, which may be an object of a class. How objects
// within it are encoded is their classes' own affair.
func (a arguments) result() any {
	given := a.fields["result"]
	if top, ok := given.(instance); ok {
		given = top.fields
	}
	if holdsInstance(given) {
		panic(skip{skipForeign})
	}
	return a.value("result")
}

// documents returns the results of a retrieval. SDKs distinguish lists from tuples.
func (a arguments) documents() any {
	if _, ok := a.fields["docs"].(tuple); ok {
		panic(skip{skipForeign})
	}
	return a.value("docs")
}

// names returns a list of strings.
func (a arguments) names(key string) []string {
	list, ok := a.fields[key].([]any)
	if !ok && a.has(key) {
		panic(skip{skipType})
	}
	var names []string
	for _, v := range list {
		name, ok := v.(string)
		if !ok {
			panic(skip{skipType})
		}
		names = append(names, name)
	}
	return names
}

// messages returns chat messages. They are handed over whole, as maps.
func (a arguments) messages(key string) []logger.Message {
	list, ok := a.fields[key].([]any)
	if !ok && a.has(key) {
		list = []any{a.fields[key]}
	}
	var messages []logger.Message
	for _, v := range list {
		if !expressible(v) {
			panic(skip{skipForeign})
		}
		m := plain(v)
		if object, ok := m.(map[string]any); ok {
			a.notes.handed = append(a.notes.handed, object)
		}
		messages = append(messages, logger.MessageOf(m))
	}
	return messages
}

// expressible reports whether Go has types for v and everything in it.
func expressible(v any) bool {
	_, is := find(v, func(v any) bool { _, ok := v.(foreign); return ok })
	return !is
}

// holdsInstance reports whether v is or holds a value of a class. The SDKs have
// forms of their own for those in metadata, with the name of the class.
func holdsInstance(v any) bool {
	_, is := find(v, func(v any) bool { _, ok := v.(instance); return ok })
	return is
}

// find returns the first value in v, itself included, that is as wanted.
func find(v any, wanted func(any) bool) (any, bool) {
	if wanted(v) {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if found, ok := find(member, wanted); ok {
				return found, true
			}
		}
	case tuple:
		return find([]any(v), wanted)
	case []any:
		for _, element := range v {
			if found, ok := find(element, wanted); ok {
				return found, true
			}
		}
	case instance:
		return find(v.fields, wanted)
	case attachment:
		return find(v.fields, wanted)
	}
	return nil, false
}

// plain returns v as a Go program has it: instances as maps of their fields, times
// as time.Time. The result shares nothing with v that could be changed.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = plain(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = plain(element)
		}
		return out
	case tuple:
		return plain([]any(v))
	case instance:
		return plain(v.fields)
	default:
		return v
	}
}

// given returns a string that a call is about: null cannot be said in Go.
func (a arguments) given(key string) string {
	if !a.has(key) {
		panic(skip{skipZero})
	}
	return a.text(key)
}

// tagValue returns the value of a tag.
func (a arguments) tagValue() string {
	if !a.has("value") {
		panic(skip{skipType})
	}
	return a.text("value")
}

func (a arguments) metadata() map[string]any {
	if !a.has("metadata") {
		panic(skip{skipZero})
	}
	return a.values("metadata", "metadata")
}
