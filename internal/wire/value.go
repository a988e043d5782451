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
// and returned as a *ValueError, as is any other failure; dst is then unchanged.
func AppendAny(dst []byte, v any) (out []byte, err error) {
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
		dst = append(dst, '"')
		return append(AppendTime(dst, v), '"'), nil
	case json.RawMessage:
		return AppendRaw(dst, v)
	}
	return appendReflect(dst, v)
}

// AppendRaw appends JSON text in one line; no text at all is null. It returns a
// *ValueError, and dst unchanged, for what is not JSON. The text may stand directly
// behind dst.
func AppendRaw(dst, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return append(dst, "null"...), nil
	}
	out, err := jsonscan.AppendCompact(dst, raw)
	if err != nil {
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

// validUTF8 replaces what is not UTF-8 behind the first n bytes: raw JSON of a
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
