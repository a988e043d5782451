package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// attachment is an $attachment: its kind is file, file_data or url.
type attachment struct {
	kind   string
	fields map[string]any
}

// instance is an $object: a value of a class of the SDK or of its user.
type instance struct {
	class  string
	fields map[string]any
}

// tuple is a $tuple: a list that cannot be changed.
type tuple []any

// foreign describes a value that Go has no type for.
type foreign string

// absent is a value that is not there, as opposed to null.
type absent struct{}

// decodeArgs decodes the arguments of a call. Numbers become int64 where they fit,
// then *big.Int, then float64; markers become the values they represent.
func decodeArgs(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	v, err := decode(v)
	if err != nil {
		return nil, err
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("an object was expected, not %T", v)
	}
	return args, nil
}

func decode(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return decodeNumber(v.String())
	case []any:
		return decodeList(v)
	case map[string]any:
		for key, value := range v {
			if strings.HasPrefix(key, "$") && (len(v) == 1 || v["fields"] != nil) {
				return decodeMarker(key, value, v["fields"])
			}
		}
		return decodeObject(v)
	default:
		return v, nil
	}
}

func decodeList(list []any) (any, error) {
	out := make([]any, len(list))
	for i, v := range list {
		var err error
		if out[i], err = decode(v); err != nil {
			return nil, err
		}
		if out[i] == (absent{}) {
			out[i] = nil
		}
	}
	return out, nil
}

func decodeObject(object map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(object))
	for key, v := range object {
		v, err := decode(v)
		if err != nil {
			return nil, err
		}
		if v != (absent{}) {
			out[key] = v
		}
	}
	return out, nil
}

func decodeNumber(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if n, ok := new(big.Int).SetString(text, 10); ok {
		return n, nil
	}
	return strconv.ParseFloat(text, 64)
}

// decodeMarker returns the value that {marker: value} represents.
func decodeMarker(marker string, value, fields any) (any, error) {
	text, _ := value.(string)
	switch marker {
	case "$undefined":
		return absent{}, nil
	case "$float":
		return strconv.ParseFloat(text, 64)
	case "$int":
		return decodeNumber(text)
	case "$bytes":
		return base64.StdEncoding.DecodeString(text)
	case "$datetime":
		return decodeTime(text)
	case "$repeat":
		return decodeRepeat(value)
	case "$tuple", "$set":
		list, err := decode(value)
		if elements, ok := list.([]any); ok && marker == "$tuple" {
			return tuple(elements), err
		}
		return foreign("set"), err
	case "$object_with_to_dict", "$object_with_model_dump", "$object_class", "$object_openai_chat":
		inner, err := decode(value)
		object, _ := inner.(map[string]any)
		return instance{marker, object}, err
	case "$object", "$attachment":
		inner, err := decode(fields)
		object, ok := inner.(map[string]any)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s without fields: %w", marker, err)
		}
		if marker == "$attachment" {
			return attachment{text, object}, nil
		}
		return instance{text, object}, nil
	default:
		return foreign(strings.TrimPrefix(marker, "$")), nil
	}
}

func decodeTime(text string) (any, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	_, err := time.Parse("2006-01-02T15:04:05.999999999", text)
	return foreign("time without a zone"), err
}

// decodeRepeat returns a text given as [unit, count].
func decodeRepeat(value any) (any, error) {
	pair, _ := value.([]any)
	if len(pair) != 2 {
		return nil, fmt.Errorf("$repeat is [unit, count]")
	}
	unit, _ := pair[0].(string)
	n, _ := pair[1].(json.Number)
	count, err := strconv.Atoi(n.String())
	if err != nil || count < 0 {
		return nil, fmt.Errorf("$repeat has no count: %w", err)
	}
	return strings.Repeat(unit, count), nil
}
