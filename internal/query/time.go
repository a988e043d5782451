package query

import "time"

// Time parses the time of a parameter: RFC 3339, a date or a minute in UTC, or an age such as
// 24h, which is subtracted from now. It reports whether the text is one of these.
func Time(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	if age, err := time.ParseDuration(text); err == nil {
		return now.Add(-age.Abs()), true
	}
	return time.Time{}, false
}
