package pricing

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at returns the beginning of a day in UTC.
func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}

func TestEveryPriceOfTheDefaultTableHasSourceAndDate(t *testing.T) {
	t.Parallel()
	n := 0
	for m := range Default().Models() {
		n++
		for _, p := range m.Prices {
			if p.Source == "" || p.Retrieved.IsZero() {
				t.Errorf("%s has a price without a source or a date", m.Name)
			}
			for part, rate := range p.Rates {
				if rate <= 0 || rate > 1000*Dollar {
					t.Errorf("%s: %s costs %s per million tokens, which is implausible", m.Name, part, rate)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("the table has only %d models", n)
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
			t.Errorf("%s costs %v, %v; want %s", c.model, got, ok, c.want)
		}
	}
}

// parts is a model whose rates are powers of ten: the digits of a cost are the tokens that were
// counted for each part.
const parts = `{"models":[
	{"model":"all","prices":[{"input":1,"cache_read":10,"cache_write":100,"audio_input":1000,"output":1,"reasoning":10,"audio_output":100}]},
	{"model":"few","prices":[{"input":1,"output":10}]},
	{"model":"in","prices":[{"input":1}]},
	{"model":"free","prices":[{"input":0,"output":0}]}
]}`

func TestPartsAreCountedOnce(t *testing.T) {
	t.Parallel()
	const m = million
	for _, c := range []struct {
		model         string
		usage         Usage
		input, output string // empty: unpriced
	}{
		{"all", Usage{}, "0", "0"},
		{"all", Usage{Input: 9 * m, CacheRead: 2 * m, CacheWrite: 3 * m, AudioInput: 1 * m}, "1323", "0"},
		{"all", Usage{Output: 9 * m, Reasoning: 2 * m, AudioOutput: 3 * m}, "0", "324"},
		{"all", Usage{Input: 5 * m, CacheRead: 9 * m, CacheWrite: 9 * m}, "50", "0"}, // reads first
		{"all", Usage{Input: 5 * m, CacheRead: 3 * m, CacheWrite: 9 * m, AudioInput: 9 * m}, "230", "0"},
		{"all", Usage{Output: 5 * m, Reasoning: 9 * m, AudioOutput: 3 * m}, "0", "320"}, // audio first
		{"all", Usage{CacheRead: m, Reasoning: m}, "0", "0"},                            // parts of nothing
		{"all", Usage{Input: -m, Output: -m, CacheRead: -m}, "0", "0"},
		{"few", Usage{Input: 5 * m, CacheRead: 2 * m, CacheWrite: m, Output: 2 * m, Reasoning: m}, "5", "20"},
		{"few", Usage{Input: 5 * m, AudioInput: 1}, "", ""},
		{"few", Usage{Output: 5 * m, AudioOutput: 1}, "", ""},
		{"few", Usage{AudioInput: 1, AudioOutput: 1}, "0", "0"}, // cut to nothing, so nothing is unpriced
		{"in", Usage{Input: m}, "1", "0"},
		{"in", Usage{Input: m, Output: 1}, "", ""},
		{"free", Usage{Input: m, Output: m, Reasoning: m}, "0", "0"},
	} {
		cost, ok := load(t, parts).Cost(c.model, "", time.Time{}, c.usage)
		if ok != (c.input != "") {
			t.Errorf("%s %+v: priced %v", c.model, c.usage, ok)
			continue
		}
		if ok && (cost.Input.String() != c.input || cost.Output.String() != c.output) || !ok && cost != (Cost{}) {
			t.Errorf("%s %+v costs %s + %s, want %s + %s", c.model, c.usage, cost.Input, cost.Output, c.input, c.output)
		}
	}
}

func TestTiersBeginAboveTheirBound(t *testing.T) {
	t.Parallel()
	table := load(t, `{"models":[{"model":"m","prices":[{"input":1,"output":1,"tiers":[
		{"above":1000000,"input":2,"output":3,"cache_read":1},{"above":2000000,"input":4,"output":5}]}]}]}`)
	for _, c := range []struct {
		usage Usage
		want  string
	}{
		{Usage{Input: million, Output: million}, "2"},
		{Usage{Input: million + 1, Output: million}, "5.000002"},
		{Usage{Input: 2 * million, CacheRead: million}, "3"}, // all parts of the input count
		{Usage{Input: 2*million + 1}, "8.000004"},
		{Usage{Input: 4 * million, CacheRead: million}, "16"}, // rates of lower tiers do not hold
		{Usage{Output: 9 * million}, "9"},                     // output counts for no tier
	} {
		if cost, ok := table.Cost("m", "", time.Time{}, c.usage); !ok || cost.Total.String() != c.want {
			t.Errorf("%+v costs %s, %v; want %s", c.usage, cost.Total, ok, c.want)
		}
	}
}

func TestTimesRoundsOnceAndStopsAtTheLargestAmount(t *testing.T) {
	t.Parallel()
	limit := big.NewInt(math.MaxInt64)
	rapid.Check(t, func(t *rapid.T) {
		rate, tokens := rapid.Int64Range(0, math.MaxInt64).Draw(t, "rate"), rapid.Int64Range(0, math.MaxInt64).Draw(t, "tokens")
		want := new(big.Int).Mul(big.NewInt(rate), big.NewInt(tokens))
		want.Quo(want.Add(want, big.NewInt(million/2)), big.NewInt(million))
		if want.Cmp(limit) > 0 {
			want = limit
		}
		if got := USD(rate).times(tokens); int64(got) != want.Int64() {
			t.Fatalf("%d tokens at %d cost %d, want %s", tokens, rate, got, want)
		}
	})
}

// Whatever is used, a cost is the sum of its parts and never negative, and more tokens never
// cost less.
func TestCostsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int64 { return rapid.Int64Range(-10, math.MaxInt64/2).Draw(t, name) }
		u := Usage{Input: n("in"), Output: n("out"), CacheRead: n("read"), CacheWrite: n("write"), Reasoning: n("reasoning")}
		cost, ok := Default().Cost("claude-sonnet-4", "anthropic", time.Time{}, u)
		if !ok || cost.Input < 0 || cost.Output < 0 || cost.Total != cost.Input.Add(cost.Output) {
			t.Fatalf("%+v costs %+v, %v", u, cost, ok)
		}
		u.Output += rapid.Int64Range(0, 1000).Draw(t, "more")
		if more, _ := Default().Cost("claude-sonnet-4", "anthropic", time.Time{}, u); more.Total < cost.Total {
			t.Fatalf("%+v costs %s, less than %s for fewer tokens", u, more.Total, cost.Total)
		}
	})
}

func TestCostAddAddsEachField(t *testing.T) {
	t.Parallel()
	sum := Cost{Input: 1, Output: 2, Total: 3}
	sum.Add(Cost{Input: 10, Output: 20, Total: math.MaxInt64})
	if want := (Cost{Input: 11, Output: 22, Total: math.MaxInt64}); sum != want {
		t.Errorf("the sum is %+v, want %+v", sum, want)
	}
}

func BenchmarkCost(b *testing.B) {
	usage := Usage{Input: 1840, CacheRead: 1200, Output: 46}
	b.ReportAllocs()
	for b.Loop() {
		Default().Cost("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "bedrock", time.Time{}, usage)
	}
}
