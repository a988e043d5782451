package pricing

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseUSDReadsDecimalNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]USD{
		"0":                    0,
		"-0":                   0,
		"1":                    Dollar,
		"+1":                   Dollar,
		".5":                   Dollar / 2,
		"5.":                   5 * Dollar,
		"010":                  10 * Dollar,
		"0.0125":               12_500_000,
		"3e-7":                 300,
		"3E-7":                 300,
		"2e3":                  2000 * Dollar,
		"0.0000000005":         1,  // halves away from zero
		"-0.0000000005":        -1, // on both sides
		"0.0000000004999":      0,
		"9223372036.854775807": math.MaxInt64,
		"-9223372036.8547758":  -9_223_372_036_854_775_800,
	} {
		if got, ok := ParseUSD(text); !ok || got != want {
			t.Errorf("ParseUSD(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
}

func TestParseUSDRejectsOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", " 1", "1 ", "-", ".", "e", "1e", "e5", "1e5e5", "1.2.3", "--1", "1-1", "one", "NaN", "Inf", "null",
		"0x10", "0b1", "0o7", "0B1", "0O7", "1_000", "1/2", "1p3", "1,5", "$1", "１",
		"9223372036.854775808", "-9223372037", "1e11", "1e65", "1e-65", "1e999999999",
		strings.Repeat("1", 65),
	} {
		if got, ok := ParseUSD(text); ok {
			t.Errorf("ParseUSD(%q) = %s, want false", text, got)
		}
	}
}

func TestStringWritesAllDigitsAndNoTrailingZeros(t *testing.T) {
	t.Parallel()
	for amount, want := range map[USD]string{
		0:             "0",
		1:             "0.000000001",
		-1:            "-0.000000001",
		Dollar:        "1",
		-Dollar / 2:   "-0.5",
		12_500_000:    "0.0125",
		math.MaxInt64: "9223372036.854775807",
		math.MinInt64: "-9223372036.854775808",
	} {
		if got := amount.String(); got != want {
			t.Errorf("USD(%d).String() = %q, want %q", amount, got, want)
		}
	}
}

// Go, JavaScript and SQLite read costs as float64: no amount up to a million dollars may move
// by more than 1e-12 of itself on the way.
func TestUSDSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := USD(rapid.Int64().Draw(t, "amount"))
		text, err := json.Marshal(amount)
		if err != nil {
			t.Fatal(err)
		}
		var back USD
		if err := json.Unmarshal(text, &back); err != nil || back != amount {
			t.Fatalf("%d is written as %s and read as %d, %v", amount, text, back, err)
		}
		var float float64
		if err := json.Unmarshal(text, &float); err != nil {
			t.Fatal(err)
		}
		if want := float64(amount) / float64(Dollar); math.Abs(float-want) > 1e-12*math.Abs(want) {
			t.Fatalf("%d is written as %s, which is %v as a float, want %v", amount, text, float, want)
		}
	})
}

func TestUnmarshalJSONReportsOtherValuesWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"1.5"`, `true`, `{}`, `[]`, `"secret"`, `1e300`} {
		amount := USD(7)
		err := json.Unmarshal([]byte(text), &amount)
		var wrong *AmountError
		if !errors.As(err, &wrong) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want an AmountError", text, err)
		}
		if amount != 7 {
			t.Errorf("%s changed the amount to %d", text, amount)
		}
	}
	amount := USD(7)
	if err := json.Unmarshal([]byte("null"), &amount); err != nil || amount != 7 {
		t.Errorf("null: %d, %v; want the amount unchanged", amount, err)
	}
}

func TestAddStopsAtTheLimits(t *testing.T) {
	t.Parallel()
	limits := []*big.Int{big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		want := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		if want.Cmp(limits[0]) < 0 {
			want = limits[0]
		}
		if want.Cmp(limits[1]) > 0 {
			want = limits[1]
		}
		if got := USD(a).Add(USD(b)); int64(got) != want.Int64() {
			t.Fatalf("%d + %d = %d, want %s", a, b, got, want)
		}
	})
}

func FuzzUSD(f *testing.F) {
	for _, text := range []string{"0", "1.5", "-0.000000001", "9223372036.854775807", "1e-9", "1e400", "0x10", "0b1", "1/2", "NaN", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, ok := ParseUSD(text)
		if !ok {
			return
		}
		if again, ok := ParseUSD(amount.String()); !ok || again != amount {
			t.Fatalf("%q is %s, which is read as %s", text, amount, again)
		}
		if strings.ContainsAny(text, "xXbBoO_/pP") {
			t.Fatalf("%q is not a decimal number but is read as %s", text, amount)
		}
	})
}
