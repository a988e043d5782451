package jsonscan_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/jsonscan"
)

func TestInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "12": 12, "12.0": 12, "1.2e1": 12, "120E-1": 12, "1.7645e18": 1764500000000000000, "-5e0": -5,
		"9223372036854775807": 1<<63 - 1, "1764543210123456789.00": 1764543210123456789, "1.764543210123456789e18": 1764543210123456789,
		"0e999": 0, "0.000e5": 0,
	} {
		if got, ok := jsonscan.Integer([]byte(text)); got != want || !ok {
			t.Errorf("Integer(%s) = %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "1.5", "1e-1", "9223372036854775808", "1e19", "1e99999999999", "1e400", "true", `"1"`, "NaN", "1.5x", "e5", strings.Repeat("9", 100)} {
		if got, ok := jsonscan.Integer([]byte(text)); ok {
			t.Errorf("Integer(%q) = %d, want none", text, got)
		}
	}
}

// Every spelling of a number gives the same integer as exact arithmetic.
func TestIntegerIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		want := exact.IsInt() && exact.Num().IsInt64() && exact.Num().Int64() != -1<<63
		got, ok := jsonscan.Integer([]byte(text))
		if ok != want || ok && got != exact.Num().Int64() {
			t.Fatalf("Integer(%s) = %d, %v, want %v", text, got, ok, exact)
		}
	})
}

func TestUnixTime(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for text, want := range map[string]time.Time{
		"0": at("1970-01-01T00:00:00Z"), "-1": at("1969-12-31T23:59:59Z"),
		"1764500000": at("2025-11-30T10:53:20Z"), "1764500000.123456": at("2025-11-30T10:53:20.123456Z"), "1764500000.1234569": at("2025-11-30T10:53:20.123456Z"),
		"1764500000123": at("2025-11-30T10:53:20.123Z"), "1.764500000123e12": at("2025-11-30T10:53:20.123Z"), "1764500000123.4567": at("2025-11-30T10:53:20.123456Z"),
		"1764500000123456": at("2025-11-30T10:53:20.123456Z"), "1764500000123456789": at("2025-11-30T10:53:20.123456Z"),
		"1.7645e18": at("2025-11-30T10:53:20Z"), "1.7645E9": at("2025-11-30T10:53:20Z"),
		"99999999999": at("5138-11-16T09:46:39Z"), "100000000000": at("1973-03-03T09:46:40Z"),
	} {
		if got, ok := jsonscan.UnixTime([]byte(text)); !ok || !got.Equal(want) {
			t.Errorf("UnixTime(%s) = %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "true", "1e30", "-1e11x", "NaN", "Infinity"} {
		if got, ok := jsonscan.UnixTime([]byte(text)); ok {
			t.Errorf("UnixTime(%q) = %v", text, got)
		}
	}
}
