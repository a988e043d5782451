package pricing

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTheTableOfOurOwnIsWhole(t *testing.T) {
	t.Parallel()
	n := 0
	for m := range Default().Models() {
		n++
		for _, p := range m.Prices {
			if p.Source == "" || p.Retrieved.IsZero() {
				t.Errorf("%s has a price without source or day", m.Name)
			}
			for part, rate := range p.Rates {
				if rate <= 0 || rate > 1000*Dollar {
					t.Errorf("%s: %s costs %s for a million tokens", m.Name, part, rate)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d models", n)
	}
}

func TestCallsArePricedExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model, provider string
		usage           Usage
		want            string
	}{
		{"gpt-4o", "openai", Usage{Input: 1_000_000, Output: 1_000_000}, "12.5"},
		{"gpt-4o", "openai", Usage{Input: 1000, CacheRead: 400, Output: 100}, "0.003"},
		{"gpt-4o-2024-08-06", "openai", Usage{Input: 1000, Output: 100}, "0.0035"},
		{"openai/gpt-4o-mini", "", Usage{Input: 1000, Output: 100}, "0.00021"},
		{"mistral-large-latest", "mistral", Usage{Input: 1500, Output: 120}, "0.00372"},
		{"o4-mini", "openai", Usage{Input: 220, Output: 410, Reasoning: 352}, "0.002046"},
		{"claude-sonnet-4-20250514", "anthropic", Usage{Input: 1840, CacheRead: 1200, Output: 46}, "0.00297"},
		{"us.anthropic.claude-3-7-sonnet-20250219-v1:0", "bedrock", Usage{Input: 1000}, "0.003"},
		{"claude-sonnet-4-5", "anthropic", Usage{Input: 300_000, Output: 1000}, "1.8225"},
		{"gemini-2.0-flash", "google", Usage{Input: 1000, AudioInput: 500, Output: 10}, "0.000404"},
		{"text-embedding-3-small", "openai", Usage{Input: 1_000_000}, "0.02"},
	} {
		got, ok := Default().Cost(c.model, c.provider, at("2026-01-01"), c.usage)
		if !ok || got.Total.String() != c.want || got.Input.Add(got.Output) != got.Total {
			t.Errorf("%s: %v %v, want %s", c.model, got, ok, c.want)
		}
	}
}

func TestWhatIsNotListedIsUnpriced(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"", "gpt-4o-mini-tts-of-somebody", "gpt-4", "my-model", "gpt-4ox", strings.Repeat("x", 1000)} {
		cost, ok := Default().Cost(model, "", time.Time{}, Usage{Input: 10})
		if want := model == "gpt-4"; ok != want || !want && cost != (Cost{}) {
			t.Errorf("%.40q: %v %v", model, cost, ok)
		}
	}
	if _, ok := Default().Cost("gpt-4o", "openai", time.Time{}, Usage{Input: 10, AudioInput: 5}); ok {
		t.Error("sound is priced though no price for it is listed")
	}
	var none *Table
	if _, ok := none.Cost("gpt-4o", "openai", time.Time{}, Usage{Input: 10}); ok {
		t.Error("no table prices a call")
	}
}

func TestOwnPricesWin(t *testing.T) {
	t.Parallel()
	own, err := Load(strings.NewReader(`{"models":[{"model":"gpt-4o","provider":"openai","prices":[{"input":1,"output":2}]},{"model":"mine","prices":[{"input":3}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table := Default().With(own)
	for model, want := range map[string]string{"gpt-4o": "1", "mine": "3", "gpt-4.1": "2"} {
		if cost, ok := table.Cost(model, "openai", time.Time{}, Usage{Input: 1_000_000}); !ok || cost.Total.String() != want {
			t.Errorf("%s: %v %v, want %s", model, cost, ok, want)
		}
	}
	if table.Version() == Default().Version() {
		t.Error("another table has the same version")
	}
}

func TestABadFileIsTold(t *testing.T) {
	t.Parallel()
	for text, field := range map[string]string{
		`{"models":[{"model":"","prices":[{"input":1}]}]}`:                     "model",
		`{"models":[{"model":"m","prices":[]}]}`:                               "prices",
		`{"models":[{"model":"m","prices":[{"input":-1}]}]}`:                   "input",
		`{"models":[{"model":"m","prices":[{"inptu":1}]}]}`:                    "prices[0]",
		`{"models":[{"model":"m","prices":[{"input":1,"from":"yesterday"}]}]}`: "from",
	} {
		_, err := Load(strings.NewReader(text))
		var entry *EntryError
		if !errors.As(err, &entry) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Load(strings.NewReader("secret text")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("no JSON: %v", err)
	}
}

// Whatever is used, a cost is the sum of its parts, and never negative.
func TestCostsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int64 { return rapid.Int64Range(-10, math.MaxInt64/2).Draw(t, name) }
		u := Usage{Input: n("in"), Output: n("out"), CacheRead: n("read"), CacheWrite: n("write"), Reasoning: n("thought")}
		cost, ok := Default().Cost("claude-sonnet-4", "anthropic", time.Time{}, u)
		if !ok || cost.Input < 0 || cost.Output < 0 || cost.Total != cost.Input.Add(cost.Output) {
			t.Fatalf("%+v: %+v %v", u, cost, ok)
		}
	})
}

func FuzzUSD(f *testing.F) {
	for _, text := range []string{"0", "1.5", "-0.000000001", "9223372036.854775807", "1e-9", "1e400", "0x10", "1/2", "NaN", ""} {
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
	})
}
