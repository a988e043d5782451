package pricing

import (
	"slices"
	"sync"
	"testing"
	"time"
)

const eras = `{"models":[
	{"model":"m","provider":"p","prices":[
		{"from":"2025-01-01","input":1,"source":"old list","retrieved":"2025-01-02"},
		{"from":"2026-01-01","until":"2026-07-01","input":2},
		{"from":"2026-08-01","input":3,"source":"new list","retrieved":"2026-08-02"}
	]},
	{"model":"gone","prices":[{"until":"2026-01-01","input":4}]}
]}`

func TestPricesHoldFromTheirDayUntilBeforeTheEnd(t *testing.T) {
	t.Parallel()
	table := load(t, eras)
	second := time.Second
	for _, c := range []struct {
		model string
		at    time.Time
		want  string
	}{
		{"m", at("2025-01-01").Add(-second), ""},
		{"m", at("2025-01-01"), "1"},
		{"m", at("2026-01-01").Add(-second), "1"},
		{"m", at("2026-01-01"), "2"},
		{"m", at("2026-07-01").Add(-second), "2"},
		{"m", at("2026-07-01"), "1"}, // the earlier price has no end, and holds again
		{"m", at("2026-08-01"), "3"},
		{"m", at("2026-08-01").In(time.FixedZone("west", -5*3600)), "3"}, // days are UTC
		{"m", time.Time{}, "3"},
		{"gone", at("0001-01-02"), "4"},
		{"gone", at("2026-01-01").Add(-1), "4"},
		{"gone", at("2026-01-01"), ""},
		{"gone", time.Time{}, "4"},
	} {
		cost, ok := table.Cost(c.model, "", c.at, Usage{Input: million})
		if got := cost.Total.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s at %s costs %s, %v; want %q", c.model, c.at, got, ok, c.want)
		}
	}
}

func TestPriceIsThePriceThatCostUses(t *testing.T) {
	t.Parallel()
	table := load(t, eras)
	price, ok := table.Price("M", "", at("2025-06-01"))
	if !ok || price.Source != "old list" || !price.Retrieved.Equal(at("2025-01-02")) || price.Rates[Input] != Dollar {
		t.Fatalf("price %+v, %v; want the one of the old list", price, ok)
	}
	if _, ok := table.Price("m", "", at("2024-12-31")); ok {
		t.Error("a price is returned for a time before the first one")
	}
	price.Rates[Input] = 99
	if again, _ := table.Price("m", "", at("2025-06-01")); again.Rates[Input] != Dollar {
		t.Error("a caller changed the table through a price")
	}
}

func TestModelsReturnsCopies(t *testing.T) {
	t.Parallel()
	table := load(t, `{"models":[{"model":"m","aliases":["n"],"prices":[{"input":1,"tiers":[{"above":10,"input":2}]}]}]}`)
	version := table.hash()
	for m := range table.Models() {
		m.Aliases[0] = "changed"
		m.Prices[0].Rates[Input] = 99
		m.Prices[0].Tiers[0].Rates[Input] = 99
		m.Prices[0].Tiers[0].Above = 99
		m.Prices[0].Source = "changed"
	}
	if table.hash() != version {
		t.Error("a caller changed the table through its models")
	}
}

func TestModelsListsTheTopmostTableFirst(t *testing.T) {
	t.Parallel()
	low := load(t, `{"models":[{"model":"b","prices":[{"input":1}]},{"model":"a","prices":[{"input":1}]}]}`)
	top := load(t, `{"models":[{"model":"z","provider":"p","prices":[{"input":2}]},{"model":"b","provider":"p","prices":[{"input":2}]}]}`)
	var got []string
	for m := range low.With(top).Models() {
		got = append(got, m.Provider+"/"+m.Name)
	}
	if want := []string{"p/b", "p/z", "/a", "/b"}; !slices.Equal(got, want) {
		t.Errorf("models %q, want %q", got, want)
	}
	for range low.With(top).Models() {
		break // an iteration may stop early
	}
}

func TestWithPutsTablesOnTopOfEachOther(t *testing.T) {
	t.Parallel()
	table := func(price string, models ...string) *Table {
		var list string
		for i, m := range models {
			if i > 0 {
				list += ","
			}
			list += `{"model":"` + m + `","prices":[{"from":"2026-01-01","input":` + price + `}]}`
		}
		return load(t, `{"models":[`+list+`]}`)
	}
	low, middle, top := table("1", "a", "b", "c"), table("2", "b", "c"), table("3", "c")
	now := at("2026-02-01")
	for name, joined := range map[string]*Table{
		"left":  low.With(middle).With(top),
		"right": low.With(middle.With(top)),
	} {
		for model, want := range map[string]string{"a": "1", "b": "2", "c": "3"} {
			if cost, ok := joined.Cost(model, "", now, Usage{Input: million}); !ok || cost.Total.String() != want {
				t.Errorf("%s: %s costs %s, %v; want %s", name, model, cost.Total, ok, want)
			}
		}
	}
	older := load(t, `{"models":[{"model":"c","prices":[{"input":9}]}]}`)
	if cost, ok := older.With(top).Cost("c", "", at("2020-01-01"), Usage{Input: million}); !ok || cost.Total.String() != "9" {
		t.Errorf("a time without a price on top costs %s, %v; want the price below", cost.Total, ok)
	}
	if cost, _ := low.Cost("c", "", now, Usage{Input: million}); cost.Total != Dollar {
		t.Error("With changed its receiver")
	}
}

func TestWithAcceptsNilAndEmptyTables(t *testing.T) {
	t.Parallel()
	var none *Table
	full, empty := load(t, eras), load(t, `{"models":[]}`)
	for name, got := range map[string]*Table{
		"nil above": full.With(nil), "nil below": none.With(full), "empty above": full.With(empty), "empty below": empty.With(full),
	} {
		if got.Version() != full.Version() {
			t.Errorf("%s: version %q, want the version of the other table", name, got.Version())
		}
	}
	if got := none.With(nil); got.Version() != "" {
		t.Errorf("two nil tables have version %q", got.Version())
	}
	for range none.Models() {
		t.Error("a nil table has a model")
	}
	if _, ok := none.Price("m", "", time.Time{}); ok {
		t.Error("a nil table has a price")
	}
}

func TestVersionChangesWithTheAnswers(t *testing.T) {
	t.Parallel()
	base := `{"models":[{"model":"m","provider":"p","prices":[{"input":1}]}]}`
	seen := map[string]string{}
	for _, file := range []string{
		base,
		`{"models":[{"model":"n","provider":"p","prices":[{"input":1}]}]}`,
		`{"models":[{"model":"m","provider":"q","prices":[{"input":1}]}]}`,
		`{"models":[{"model":"m","provider":"p","aliases":["n"],"prices":[{"input":1}]}]}`,
		`{"models":[{"model":"m","provider":"p","hosted":true,"prices":[{"input":1}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"input":1.000000001}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"output":1}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"input":1,"from":"2026-01-01"}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"input":1,"until":"2026-01-01"}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"input":1,"tiers":[{"above":1,"input":1}]}]}]}`,
		`{"models":[{"model":"m","provider":"p","prices":[{"input":1,"tiers":[{"above":2,"input":1}]}]}]}`,
	} {
		version := load(t, file).Version()
		if other, twice := seen[version]; twice || len(version) != 32 {
			t.Errorf("version %q of %s is also the version of %s", version, file, other)
		}
		seen[version] = file
	}
	same := load(t, `{"models":[{"model":"M","provider":"P","prices":[{"source":"s","retrieved":"2026-01-01","input":1.0}]}]}`)
	if same.Version() != load(t, base).Version() {
		t.Error("a source, a date and another spelling change the version")
	}
	a, b := load(t, base), load(t, eras)
	if a.With(b).Version() == b.With(a).Version() {
		t.Error("the order of two tables does not change the version")
	}
}

func TestTablesAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	shared, top := load(t, names), load(t, eras)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				joined := shared.With(top)
				if _, ok := joined.Cost("openai/alpha-latest", "", time.Time{}, Usage{Input: 1}); !ok {
					t.Error("a listed model is unpriced")
				}
				for m := range joined.Models() {
					m.Prices[0].Rates[Output] = 1
				}
			}
		})
	}
	all.Wait()
}
