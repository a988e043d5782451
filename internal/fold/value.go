package fold

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/wire"
)

func isNull(raw []byte) bool { return string(raw) == "null" }

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// text returns a string's text, and any other value's JSON.
func text(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// quote returns a JSON string.
func quote(s string) []byte { return wire.AppendString(nil, s) }

// timeLayouts are the forms of time that SDKs send beside RFC 3339. Those without
// a zone are taken for UTC.
var timeLayouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02",
}

// shortTime is how many characters a number in quotes has at least to be a time: shorter
// ones are years and the like.
const shortTime = 9

// timestamp reads a time: text, or a number since 1970 as jsonscan.UnixTime does, also in
// quotes. It returns UTC with microseconds, and false for what no calendar holds.
func timestamp(raw []byte) (time.Time, bool) {
	s := text(raw)
	if len(s) == len(raw) || len(s) >= shortTime {
		if t, ok := jsonscan.UnixTime([]byte(s)); ok {
			return inCalendar(t)
		}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return inCalendar(t)
		}
	}
	return time.Time{}, false
}

func inCalendar(t time.Time) (time.Time, bool) {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		return time.Time{}, false
	}
	return t, true
}
