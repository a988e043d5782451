package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
)

// ValueError says that a value has no JSON form. It holds the value's type and
// the kind of trouble, never the value.
type ValueError struct {
	Type   string // Go type of the value, or of the part of it that failed
	Reason string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("a value of type %s cannot be encoded as JSON: %s", e.Type, e.Reason)
}

// NotANumber is the *ValueError of a number that JSON does not have.
var NotANumber error = &ValueError{Type: "float64", Reason: "NaN and infinities are not JSON"}

// AppendAny appends the JSON of v as encoding/json would, without escaping < > &,
// in one line. A panic in a MarshalJSON or MarshalText of the caller's is caught
// and returned as a *ValueError, as is any other failure, and a value that is nested more
// than protocol.MaxDepth deep; dst is then unchanged.
func AppendAny(dst []byte, v any) (out []byte, err error) {
	return appendAny(dst, v, protocol.MaxDepth)
}

// Encode returns the JSON of v for Encoder.Encoded, whole: no mask has seen it, and a cut
// could tear apart a text that one has to find. Depth is the number of arrays and objects that the line will
// have around it.
func Encode(v any, depth int) ([]byte, error) {
	return appendAny(nil, v, protocol.MaxDepth-depth)
}

// appendFitting is AppendAny for a value that has a number of levels left, and that is cut
// before it is encoded if it is too large; if tight says so, in any case.
func appendFitting(dst []byte, v any, levels int, tight bool, mask func(string) string) (out []byte, cuts []oversize.Cut, err error) {
	switch v := v.(type) {
	case nil, bool, int, int64, float64, time.Time:
		out, err = appendAny(dst, v, levels)
		return out, nil, err
	}
	size := oversize.Measure(v, levels)
	if size.Deep {
		return dst, nil, tooDeep(v)
	}
	if size.Over() || tight && size.Longest >= oversize.Long {
		if v, cuts = oversize.Value(v, size, tight, mask); oversize.Measure(v, levels).Deep {
			return dst, nil, tooDeep(v)
		}
	}
	out, err = encodeMeasured(dst, v, levels, size.Opaque)
	return out, cuts, err
}

func appendAny(dst []byte, v any, levels int) (out []byte, err error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, NotANumber
		}
		return AppendFloat(dst, v), nil
	case time.Time:
		if year := v.UTC().Year(); year < 0 || year > 9999 {
			return dst, &ValueError{Type: "time.Time", Reason: "its year is not from 0 to 9999"}
		}
		dst = append(dst, '"')
		return append(AppendTime(dst, v), '"'), nil
	case json.RawMessage:
		return appendRaw(dst, v, levels)
	}
	size := oversize.Measure(v, levels)
	if size.Deep {
		return dst, tooDeep(v)
	}
	return encodeMeasured(dst, v, levels, size.Opaque)
}

// encodeMeasured appends the JSON of a value that is known not to be nested too deeply,
// but for the parts that marshallers make, if it is opaque.
func encodeMeasured(dst []byte, v any, levels int, opaque bool) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok {
		return appendRaw(dst, raw, levels)
	}
	if s, ok := v.(string); ok {
		return AppendString(dst, s), nil
	}
	out, err := appendReflect(dst, v)
	if err == nil && opaque && jsonscan.Deeper(out[len(dst):], levels) {
		return dst, tooDeep(v)
	}
	return out, err
}

// tooDeep is the error of a value that is nested too deeply.
func tooDeep(v any) error {
	return &ValueError{
		Type:   fmt.Sprintf("%T", v),
		Reason: fmt.Sprintf("the line would be nested more than %d levels deep, or the value holds itself", protocol.MaxDepth),
	}
}

// TooDeep reports whether the data of a line is nested more deeply than a collector takes.
func TooDeep(data []byte) bool { return jsonscan.Deeper(data, protocol.MaxDepth) }

// appendRaw appends JSON text in one line; no text at all is null. It returns a
// *ValueError, and dst unchanged, for text that is not JSON or is nested more than
// levels deep. The text may directly follow dst.
func appendRaw(dst, raw []byte, levels int) ([]byte, error) {
	if len(raw) == 0 {
		return append(dst, "null"...), nil
	}
	out, err := jsonscan.AppendCompact(dst, raw)
	switch {
	case errors.Is(err, jsonscan.ErrDepth), err == nil && jsonscan.Deeper(out[len(dst):], levels):
		return dst, tooDeep(json.RawMessage(nil))
	case err != nil:
		return dst, &ValueError{Type: "json.RawMessage", Reason: "it is not valid JSON"}
	}
	return out, nil
}

func appendReflect(dst []byte, v any) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = dst, &ValueError{Type: fmt.Sprintf("%T", v), Reason: "its marshaller panicked"}
		}
	}()
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, describe(v, err)
	}
	out = buf.Bytes()
	return validUTF8(out[:len(out)-1], len(dst)), nil // Encode ends with a newline
}

// validUTF8 replaces bytes that are not UTF-8 after the first n bytes: raw JSON of a
// marshaller is not checked for it by encoding/json.
func validUTF8(b []byte, n int) []byte {
	if utf8.Valid(b[n:]) {
		return b
	}
	return append(b[:n], bytes.ToValidUTF8(b[n:], []byte("\ufffd"))...)
}

// describe keeps the cause and leaves out whatever could quote the value.
func describe(v any, err error) error {
	var unsupportedType *json.UnsupportedTypeError
	var unsupportedValue *json.UnsupportedValueError
	var marshaler *json.MarshalerError
	switch {
	case errors.As(err, &marshaler):
		return &ValueError{Type: marshaler.Type.String(), Reason: "its marshaller failed"}
	case errors.As(err, &unsupportedType):
		return &ValueError{Type: unsupportedType.Type.String(), Reason: "the type has no JSON form"}
	case errors.As(err, &unsupportedValue):
		return &ValueError{Type: fmt.Sprintf("%T", v), Reason: "it holds NaN, an infinity or a cycle"}
	default:
		return &ValueError{Type: fmt.Sprintf("%T", v), Reason: "encoding failed"}
	}
}
