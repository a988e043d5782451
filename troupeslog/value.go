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

// Limits of an event; see the package comment.
const (
	maxBytes   = 16 << 10
	maxMessage = 4 << 10
	maxAttrs   = 128
)

// budget is the room that an event has left.
type budget struct {
	bytes, attrs int
	short        bool // something did not fit
}

// cut takes a text of up to limit bytes out of the budget.
func (b *budget) cut(text string, limit int) string {
	limit = max(0, min(limit, b.bytes)) // numbers may have taken a little more than there was
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

// add adds an attribute to an object. As slog wants it, the empty attribute and groups
// without attributes are left out, and a group without a name is part of the object.
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

// numberBytes is what a number counts as.
const numberBytes = 8

// value returns a value that has a JSON form and fits.
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

// any returns a value of any type: an error as its text, JSON as it is if it fits, and
// else as text. What panics when it is encoded must not end the caller's call.
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
