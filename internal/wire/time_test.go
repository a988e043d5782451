package wire

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The encoder writes times itself; they must be what the standard library writes.
func TestTimesAreThoseOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c clock // over several times: it remembers the last second
		for range 4 {
			zone := time.FixedZone("", rapid.IntRange(-50_000, 50_000).Draw(t, "zone"))
			at := time.Unix(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(-1<<40, 1<<40)).Draw(t, "second"),
				rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 999), rapid.Int64Range(0, 999_999_999)).Draw(t, "nanos")).In(zone)
			format := "2006-01-02T15:04:05.000000+00:00"
			if at.Nanosecond() < 1000 {
				format = "2006-01-02T15:04:05+00:00"
			}
			if got, want := string(c.append(nil, at)), at.UTC().Format(format); got != want {
				t.Fatalf("%v is written as %s, want %s", at, got, want)
			}
		}
	})
}
