package troupeslog

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of an event; see the package comment. They keep a careless log line from displacing the
// entries of model calls.
const (
	maxBytes   = 16 << 10 // text of the message and all attributes, in bytes
	maxMessage = 4 << 10  // the message, in bytes
	maxAttrs   = 128      // attributes and groups
)

// budget is the room that is left in an event.
type budget struct {
	bytes, attrs int
	short        bool // a part did not fit
}

// cut returns as much of a text as fits into limit and the budget, between two characters, and
// takes it out of the budget.
func (b *budget) cut(text string, limit int) string {
	limit = max(0, min(limit, b.bytes)) // a number may have overdrawn the budget by a few bytes
	if len(text) > limit {
		b.short = true
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		text = text[:limit]
	}
	b.bytes -= len(text)
	return text
}

// add adds an attribute to an object. It follows the rules of slog.Handler: the empty attribute
// and groups without attributes are omitted, and a group without a name is inlined.
func (b *budget) add(to map[string]any, a slog.Attr) {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if b.attrs == 0 || b.bytes <= 0 {
		b.short = true
		return
	}
	b.attrs--
	if a.Value.Kind() != slog.KindGroup {
		to[b.cut(a.Key, b.bytes)] = b.value(a.Value)
		return
	}
	in := to
	if a.Key != "" {
		in = map[string]any{}
	}
	for _, member := range a.Value.Group() {
		b.add(in, member)
	}
	if a.Key != "" && len(in) > 0 {
		to[b.cut(a.Key, b.bytes)] = in
	}
}

// numberBytes is the number of bytes that a number takes out of the budget. It is close enough:
// the number of attributes is limited too.
const numberBytes = 8

// value returns the form of a value for the event: it can be encoded as JSON and fits into the
// budget.
func (b *budget) value(v slog.Value) any {
	switch v.Kind() {
	case slog.KindString:
		return b.cut(v.String(), b.bytes)
	case slog.KindDuration:
		return b.cut(v.Duration().String(), b.bytes)
	case slog.KindTime:
		return b.cut(v.Time().Format(time.RFC3339Nano), b.bytes)
	case slog.KindFloat64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return b.cut(v.String(), b.bytes)
		}
	case slog.KindBool, slog.KindInt64, slog.KindUint64:
	default:
		return b.any(v.Any())
	}
	b.bytes -= numberBytes
	return v.Any()
}

// any returns the form of a value of any type: an error as its text, other values as JSON, or as a
// cut text if the JSON does not fit. Its methods belong to the user: a panic in them is replaced by
// "!PANIC", because logging must not break its caller.
func (b *budget) any(v any) (form any) {
	defer func() {
		if recover() != nil {
			form = b.cut("!PANIC", b.bytes)
		}
	}()
	if err, ok := v.(error); ok {
		if _, ok := v.(json.Marshaler); !ok {
			return b.cut(err.Error(), b.bytes)
		}
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return b.cut(fmt.Sprintf("%+v", v), b.bytes)
	}
	raw := strings.TrimSuffix(text.String(), "\n")
	var plain string
	if json.Unmarshal([]byte(raw), &plain) == nil && raw != "null" {
		return b.cut(plain, b.bytes)
	}
	if len(raw) > b.bytes {
		return b.cut(raw, b.bytes)
	}
	b.bytes -= len(raw)
	return json.RawMessage(raw)
}
