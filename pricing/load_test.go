package pricing

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLoadReportsTheEntryAndTheField(t *testing.T) {
	t.Parallel()
	for entry, field := range map[string]string{
		`{"model":"","prices":[{"input":1}]}`:                                 "model",
		`{"model":"  ","prices":[{"input":1}]}`:                               "model",
		`{"model":"` + strings.Repeat("x", 257) + `","prices":[{"input":1}]}`: "model",
		`{"model":"m","hosted":true,"prices":[{"input":1}]}`:                  "provider",
		`{"model":"m","aliases":["n",""],"prices":[{"input":1}]}`:             "aliases[1]",
		`{"model":"m","aliases":["m"],"prices":[{"input":1}]}`:                "model",
		`{"model":"m","aliases":["n","N "],"prices":[{"input":1}]}`:           "model",
		`{"model":"other","prices":[{"input":1}]}`:                            "model",
		`{"model":"m","aliases":["alias"],"prices":[{"input":1}]}`:            "model",
		`{"model":"m"}`:                                                                              "prices",
		`{"model":"m","prices":[]}`:                                                                  "prices",
		`{"model":"m","prices":[null]}`:                                                              "prices[0]",
		`{"model":"m","prices":[{}]}`:                                                                "prices[0]",
		`{"model":"m","prices":[{"source":"list"}]}`:                                                 "prices[0]",
		`{"model":"m","prices":[{"inptu":1}]}`:                                                       "prices[0]",
		`{"model":"m","prices":[{"input":1,"cache":1}]}`:                                             "prices[0]",
		`{"model":"m","prices":[{"input":-1}]}`:                                                      "prices[0].input",
		`{"model":"m","prices":[{"input":"1"}]}`:                                                     "prices[0].input",
		`{"model":"m","prices":[{"input":null}]}`:                                                    "prices[0].input",
		`{"model":"m","prices":[{"output":10000.000000001}]}`:                                        "prices[0].output",
		`{"model":"m","prices":[{"input":1,"from":"yesterday"}]}`:                                    "prices[0].from",
		`{"model":"m","prices":[{"input":1,"from":null}]}`:                                           "prices[0].from",
		`{"model":"m","prices":[{"input":1,"from":"2026-02-30"}]}`:                                   "prices[0].from",
		`{"model":"m","prices":[{"input":1,"retrieved":1}]}`:                                         "prices[0].retrieved",
		`{"model":"m","prices":[{"input":1,"source":1}]}`:                                            "prices[0].source",
		`{"model":"m","prices":[{"input":1,"from":"2026-01-02","until":"2026-01-02"}]}`:              "prices[0].until",
		`{"model":"m","prices":[{"input":1},{"input":2}]}`:                                           "prices[1].from",
		`{"model":"m","prices":[{"input":1,"until":"2026-01-02"},{"input":2,"from":"2026-01-01"}]}`:  "prices[1].from",
		`{"model":"m","prices":[{"input":1,"from":"2026-01-02"},{"input":2,"from":"2026-01-01"}]}`:   "prices[1].from",
		`{"model":"m","prices":[{"input":1,"tiers":{}}]}`:                                            "prices[0].tiers",
		`{"model":"m","prices":[{"input":1,"tiers":[{"input":2}]}]}`:                                 "prices[0].tiers[0].above",
		`{"model":"m","prices":[{"input":1,"tiers":[{"above":0,"input":2}]}]}`:                       "prices[0].tiers[0].above",
		`{"model":"m","prices":[{"input":1,"tiers":[{"above":1.5,"input":2}]}]}`:                     "prices[0].tiers[0].above",
		`{"model":"m","prices":[{"input":1,"tiers":[{"above":5,"input":2},{"above":5,"input":3}]}]}`: "prices[0].tiers[1].above",
		`{"model":"m","prices":[{"input":1,"tiers":[{"above":5}]}]}`:                                 "prices[0].tiers[0]",
		`{"model":"m","prices":[{"input":1,"tiers":[{"above":5,"inptu":2}]}]}`:                       "prices[0].tiers[0]",
		`{"model":"m","prices":[{"input":1,"output":2,"tiers":[{"above":5,"input":2}]}]}`:            "prices[0].tiers[0].output",
	} {
		file := "{\"models\":[\n{\"model\":\"other\",\"aliases\":[\"alias\"],\"prices\":[\n{\"input\":1}]},\n\n" + entry + "\n]}"
		_, err := Load(strings.NewReader(file))
		var wrong *EntryError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: error %v, want an EntryError", entry, err)
			continue
		}
		if wrong.Field != field || wrong.Entry != 2 || wrong.Line != 5 || wrong.Advice == "" {
			t.Errorf("%s: %+v, want field %s of entry 2 on line 5", entry, *wrong, field)
		}
		if len(wrong.Model) > 80 {
			t.Errorf("%s: %d bytes of the name are quoted", entry, len(wrong.Model))
		}
	}
}

func TestEntryErrorNamesLineEntryFieldAndAdvice(t *testing.T) {
	t.Parallel()
	_, err := Load(strings.NewReader("{\n\"models\": [\n{\"model\":\"m\",\"prices\":[{\"input\":-1}]}]}"))
	want := `pricing: line 3: model 1 ("m"), prices[0].input: give a number of dollars per million tokens, from 0 to 10000`
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestLoadReportsFilesThatAreNotTables(t *testing.T) {
	t.Parallel()
	for text, place := range map[string]string{
		"":                                       "ends too early",
		"secret text":                            "line 1",
		"{\"models\":[\n\n{secret}]}":            "line 3",
		"{\"models\":[\n{\"model\":\n1}]}":       "line 3",
		`{"models":[]}{"secret":1}`:              "more than one value",
		`{"secret":[]}`:                          "unknown field",
		`{"models":[{"model":"m","secret":1}]}`:  "unknown field",
		"null":                                   `"models" is missing`,
		"{}":                                     `"models" is missing`,
		`{"models":null}`:                        `"models" is missing`,
		"[]":                                     "wrong type",
		strings.Repeat(" ", MaxFile) + `{`:       "longer than",
		`{"models":[` + strings.Repeat("[", 1e5): "line 1",
	} {
		_, err := Load(strings.NewReader(text))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), place) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.60q: error %v, want ErrFormat with %q", text, err, place)
		}
	}
}

func TestLoadReturnsTheErrorOfTheReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	if _, err := Load(io.MultiReader(strings.NewReader(`{"models":`), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v, want the error of the reader", err)
	}
}

func TestLoadAcceptsTheLimits(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("x", 256)
	file := `{"models":[{"model":"` + name + `","prices":[{"input":10000,"output":0,"tiers":[{"above":9223372036854775807,"input":1,"output":0}]}]}]}`
	table := load(t, file+strings.Repeat(" ", MaxFile-len(file)))
	if price, ok := table.Price(name, "", at("2026-01-01")); !ok || price.Rates[Input] != MaxRate {
		t.Errorf("price %v, %v; want the largest rate", price, ok)
	}
	if price, ok := table.Price(name, "", at("2026-01-01")); !ok || len(price.Rates) != 2 {
		t.Errorf("price %v, %v; a rate of 0 must stay listed", price, ok)
	}
}

func TestLoadTrimsNamesAsLookupsDo(t *testing.T) {
	t.Parallel()
	table := load(t, `{"models":[{"model":" My-Model ","aliases":["\tMine\n"],"provider":" Azure OpenAI ","prices":[{"input":1}]}]}`)
	for _, name := range []string{"my-model", "MINE", " mine "} {
		if _, ok := table.Price(name, "openai", at("2026-01-01")); !ok {
			t.Errorf("%q is not found", name)
		}
	}
}

// Whatever a file holds, Load returns a table that can be used or an error that tells only the
// model's name.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		names, eras, string(prices), "{}", `{"models":[{"model":"m","prices":[{"input":1e999999}]}]}`,
		`{"models":[{"model":"m","prices":[{"input":1,"tiers":[{"above":-1}]}]}]}`, `{"models":[{"prices":[null]}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Load(strings.NewReader(text))
		var entry *EntryError
		switch {
		case err == nil:
			for m := range table.Models() {
				price, ok := table.Price(m.Name, m.Provider, m.Prices[0].From)
				if !ok || len(price.Rates) == 0 {
					t.Fatalf("%q of %q was loaded but is not found", m.Name, m.Provider)
				}
				table.Cost(m.Name, m.Provider, m.Prices[0].From, Usage{Input: 1 << 62, Output: -1, CacheRead: 1 << 62})
			}
		case errors.As(err, &entry):
			if entry.Entry < 1 || entry.Line < 1 || entry.Line > 1+strings.Count(text, "\n") || entry.Field == "" {
				t.Fatalf("error %+v does not point into the file", *entry)
			}
		case !errors.Is(err, ErrFormat):
			t.Fatalf("error %v, want an EntryError or ErrFormat", err)
		}
	})
}
