package otlp

import (
	"encoding/base64"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers are taken from opentelemetry/proto/collector/trace/v1, trace/v1, common/v1
// and resource/v1 of OTLP 1.x. Messages are read field by field, so that only one span at
// a time is decoded in memory.

// wireField is a field of a message.
type wireField struct {
	number protowire.Number
	kind   protowire.Type
	n      uint64 // value of varint, fixed32 and fixed64 fields
	bytes  []byte // value of length-delimited fields
}

// text returns the bytes of the field as a string.
func (f wireField) text() string { return string(f.bytes) }

// eachField calls fn for each field of a message. It returns ErrMalformed if the bytes are
// not a message.
func eachField(message []byte, fn func(wireField) error) error {
	for len(message) > 0 {
		var f wireField
		var n int
		if f.number, f.kind, n = protowire.ConsumeTag(message); n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		switch f.kind {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			f.n, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var short uint32
			short, n = protowire.ConsumeFixed32(message)
			f.n = uint64(short)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(f.number, f.kind, message)
		}
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

// isBytes reports whether the field has this number and is length-delimited.
func (f wireField) isBytes(number protowire.Number) bool {
	return f.number == number && f.kind == protowire.BytesType
}

func readProto(body []byte, fn func(*origin, []byte) error) error {
	return eachField(body, func(f wireField) error {
		if !f.isBytes(1) {
			return nil
		}
		return protoResource(f.bytes, fn)
	})
}

// protoResource reads the spans of a resource. They may precede the resource's description.
func protoResource(message []byte, fn func(*origin, []byte) error) error {
	var from origin
	count := counter{}
	err := eachField(message, func(f wireField) error {
		if f.isBytes(1) {
			// An unreadable resource must not cost its spans.
			_ = eachField(f.bytes, func(f wireField) error {
				if !f.isBytes(1) {
					return nil
				}
				return from.resource.addProto(f.bytes, &count)
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	from.describe()
	return eachField(message, func(f wireField) error {
		if !f.isBytes(2) {
			return nil
		}
		return protoScope(from, f.bytes, fn)
	})
}

func protoScope(from origin, message []byte, fn func(*origin, []byte) error) error {
	err := eachField(message, func(f wireField) error {
		if f.isBytes(1) {
			_ = eachField(f.bytes, func(f wireField) error {
				if f.isBytes(1) {
					from.scope = f.text()
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachField(message, func(f wireField) error {
		if !f.isBytes(2) {
			return nil
		}
		return fn(&from, f.bytes)
	})
}

func protoSpan(message []byte) (*span, error) {
	s, count := &span{}, counter{}
	err := eachField(message, func(f wireField) error {
		if f.kind == protowire.BytesType {
			return s.setProto(f, &count)
		}
		switch f.number {
		case 6:
			s.kind = f.n
		case 7:
			s.start = f.n
		case 8:
			s.end = f.n
		case 16:
			s.setFlags(f.n)
		}
		return nil
	})
	if err == nil && (s.trace == traceID{} || s.id == spanID{}) {
		err = errIDs
	}
	return s, err
}

// setProto sets a length-delimited field.
func (s *span) setProto(f wireField, count *counter) error {
	switch f.number {
	case 1:
		s.trace.set(f.bytes)
	case 2:
		s.id.set(f.bytes)
	case 4:
		s.parent.set(f.bytes)
	case 5:
		s.name = f.text()
	case 9:
		return s.attributes.addProto(f.bytes, count)
	case 11:
		return s.addEvent(f.bytes, count)
	case 13:
		return s.addLink(f.bytes, count)
	case 15:
		return eachField(f.bytes, func(f wireField) error {
			switch {
			case f.isBytes(2):
				s.status = f.text()
			case f.number == 3:
				s.failed = f.n == statusError
			}
			return nil
		})
	}
	return nil
}

func (s *span) addEvent(message []byte, count *counter) error {
	var e event
	if err := count.add(); err != nil {
		return err
	}
	err := eachField(message, func(f wireField) error {
		switch {
		case f.number == 1 && f.kind == protowire.Fixed64Type:
			e.at = f.n
		case f.isBytes(2):
			e.name = f.text()
		case f.isBytes(3):
			return e.attributes.addProto(f.bytes, count)
		}
		return nil
	})
	s.events = append(s.events, e)
	return err
}

func (s *span) addLink(message []byte, count *counter) error {
	var l link
	if err := count.add(); err != nil {
		return err
	}
	err := eachField(message, func(f wireField) error {
		switch {
		case f.isBytes(1):
			l.trace.set(f.bytes)
		case f.isBytes(2):
			l.span.set(f.bytes)
		case f.isBytes(4):
			return l.attributes.addProto(f.bytes, count)
		}
		return nil
	})
	s.links = append(s.links, l)
	return err
}

// addProto adds a KeyValue.
func (a *attributes) addProto(message []byte, count *counter) error {
	key, value, err := protoKeyValue(message, count, 0)
	if err == nil {
		*a = append(*a, attribute{key: key, value: value})
	}
	return err
}

func protoKeyValue(message []byte, count *counter, depth int) (key string, value any, err error) {
	if err := count.add(); err != nil {
		return "", nil, err
	}
	err = eachField(message, func(f wireField) (err error) {
		switch {
		case f.isBytes(1):
			key = f.text()
		case f.isBytes(2):
			value, err = protoValue(f.bytes, count, depth)
		}
		return err
	})
	return key, value, err
}

// protoValue reads an AnyValue.
func protoValue(message []byte, count *counter, depth int) (value any, err error) {
	if depth > maxNested {
		return nil, errDeep
	}
	err = eachField(message, func(f wireField) (err error) {
		switch {
		case f.isBytes(1):
			value = f.text()
		case f.number == 2 && f.kind == protowire.VarintType:
			value = f.n != 0
		case f.number == 3 && f.kind == protowire.VarintType:
			value = int64(f.n)
		case f.number == 4 && f.kind == protowire.Fixed64Type:
			value = finite(math.Float64frombits(f.n))
		case f.isBytes(5):
			value, err = protoArray(f.bytes, count, depth+1)
		case f.isBytes(6):
			value, err = protoList(f.bytes, count, depth+1)
		case f.isBytes(7):
			value = base64.StdEncoding.EncodeToString(f.bytes)
		}
		return err
	})
	return value, err
}

func protoArray(message []byte, count *counter, depth int) (any, error) {
	elements := []any{}
	err := eachField(message, func(f wireField) error {
		if !f.isBytes(1) {
			return nil
		}
		if err := count.add(); err != nil {
			return err
		}
		element, err := protoValue(f.bytes, count, depth)
		elements = append(elements, element)
		return err
	})
	return elements, err
}

func protoList(message []byte, count *counter, depth int) (any, error) {
	members := object{}
	err := eachField(message, func(f wireField) error {
		if !f.isBytes(1) {
			return nil
		}
		key, value, err := protoKeyValue(f.bytes, count, depth)
		members[key] = value
		return err
	})
	return members, err
}

// finite returns a finite number unchanged. NaN and the infinities become the strings that
// protobuf's JSON uses for them.
func finite(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	default:
		return f
	}
}
