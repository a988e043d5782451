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

// text returns the text of a string, or the JSON of any other value.
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

// quote encodes s as a JSON string.
func quote(s string) []byte { return wire.AppendString(nil, s) }

// timeLayouts are the time formats that SDKs send besides RFC 3339. Times without a zone
// are read as UTC.
var timeLayouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02",
}

// shortTime is the least number of characters for a number in quotes to be read as a time.
// Shorter ones are years and the like.
const shortTime = 9

// timestamp reads a time: text, or a number since 1970 as in jsonscan.UnixTime, quoted or
// not. It returns UTC in microseconds, or false if the value is not a valid date.
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
