package pricing

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// load returns the table of a file that must be valid.
func load(t testing.TB, file string) *Table {
	t.Helper()
	table, err := Load(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// names is a table in which the input price identifies the model that was found.
const names = `{"models":[
	{"model":"alpha","provider":"openai","aliases":["alpha-0613"],"prices":[{"input":1}]},
	{"model":"alpha-2024-05-13","provider":"openai","prices":[{"input":2}]},
	{"model":"beta","provider":"anthropic","prices":[{"input":3}]},
	{"model":"beta","provider":"google","prices":[{"input":4}]},
	{"model":"open","provider":"groq","hosted":true,"prices":[{"input":5}]},
	{"model":"nova-pro","provider":"aws","prices":[{"input":6}]},
	{"model":"gem","provider":"google","prices":[{"input":7}]},
	{"model":"ft:alpha-2024-08-06","provider":"openai","prices":[{"input":8}]},
	{"model":"ft:gamma","provider":"openai","prices":[{"input":9}]},
	{"model":"anthropic.claude","provider":"aws","prices":[{"input":10}]},
	{"model":"claude","provider":"anthropic","prices":[{"input":11}]},
	{"model":"-latest","provider":"odd","prices":[{"input":12}]}
]}`

func TestModelsAreFoundByTheRules(t *testing.T) {
	t.Parallel()
	table := load(t, names)
	for _, c := range []struct{ model, provider, want string }{
		{"alpha", "openai", "1"},
		{" ALPHA ", " OpenAI ", "1"},
		{"alpha-0613", "", "1"},                     // an alias
		{"alpha-2024-05-13", "", "2"},               // an exact name before a name without its date
		{"alpha-2024-08-06", "", "1"},               // a dated name
		{"alpha-20240806", "", "1"},                 // dates in their other form
		{"alpha@20240806", "", "1"},                 //
		{"alpha-latest", "", "1"},                   //
		{"alpha@latest", "", "1"},                   //
		{"alpha-2024-13-06", "", ""},                // not a date
		{"alpha-1998-08-06", "", ""},                // not a date of this century
		{"alpha-v1:0", "", "1"},                     // a version of the server
		{"alpha-v12", "", "1"},                      //
		{"alpha:0", "", "1"},                        //
		{"alpha-v123", "", ""},                      // not a version
		{"alpha-2024-08-06-v1:0", "", "1"},          // both
		{"alpha-v1:0-2024-08-06", "", ""},           // in the wrong order
		{"alphabet", "", ""},                        // a name that merely begins alike
		{"alpha-2024-08-06-preview", "", ""},        //
		{"openai/alpha", "", "1"},                   // a path
		{"openrouter/openai/alpha-latest", "", "1"}, //
		{"somebody/alpha", "", ""},                  // an unknown prefix
		{"openai/", "", ""},                         //
		{"beta", "anthropic", "3"},                  // the provider decides
		{"beta", "Vertex AI", "4"},                  // under any of its names
		{"beta", "", ""},                            // ambiguous
		{"beta", "mistral", ""},                     //
		{"anthropic/beta", "", "3"},                 // the prefix decides
		{"gemini/beta", "", "4"},                    //
		{"gemini/beta", "anthropic", "4"},           // and counts more than the provider
		{"vertex_ai/beta", "", ""},                  // unless it allows both
		{"vertex_ai/beta", "anthropic", "3"},        //
		{"vertex_ai/anthropic/beta", "", "3"},       // prefixes narrow each other
		{"openai/gemini/beta", "", ""},              // to none if they contradict each other
		{"open", "", ""},                            // a hosted model needs its company
		{"open", "openai", ""},                      //
		{"open", "groq", "5"},                       //
		{"groq/open", "", "5"},                      //
		{"bedrock/nova-pro", "", "6"},               //
		{"nova-pro", "amazon_bedrock", "6"},         //
		{"models/gem", "", "7"},                     //
		{"publishers/google/models/gem", "", "7"},   //
		{"ft:alpha-2024-08-06:acme::id", "", "8"},   // fine-tuned
		{"ft:alpha-2024-08-06", "", "8"},            //
		{"FT:gamma-2025-01-01:acme:tone:id", "", "9"},
		{"openai/ft:alpha-2024-08-06:acme::id", "", "8"}, // behind a prefix too
		{"anthropic/ft:gamma:acme::id", "", ""},
		{"ft:alpha:acme::id", "", ""}, // the base price is not the price of the tuned model
		{"anthropic.claude", "", "10"},
		{"us.anthropic.claude-v1:0", "bedrock", "10"}, // a region, then the exact name
		{"us.anthropic.claude", "", "10"},
		{"xx.anthropic.claude", "", ""},
		{"anthropic.beta", "", "3"},
		{"us.meta.beta", "anthropic", ""},
		{"-latest", "", "12"},
		{"", "openai", ""},
	} {
		cost, ok := table.Cost(c.model, c.provider, time.Time{}, Usage{Input: million})
		if got := cost.Total.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q of %q costs %s, %v; want %q", c.model, c.provider, got, ok, c.want)
		}
	}
}

func TestNamesOfAnyLengthAreRejectedOrSearchedQuickly(t *testing.T) {
	t.Parallel()
	if got := candidates(strings.Repeat("x", maxName+1)); got != nil {
		t.Errorf("a name above the limit has %d candidates", len(got))
	}
	hostile := strings.Repeat("models/", maxName/len("models/"))
	if got := candidates(hostile); len(got) > 3*maxName {
		t.Errorf("%d candidates for one name", len(got))
	}
}

// A name that was cut must never become longer or gain text.
func FuzzCandidates(f *testing.F) {
	for _, name := range []string{"gpt-4o-2024-08-06", "us.anthropic.claude-v1:0", "openai/ft:a:b::c", "models/", "ft:", "@latest", "İ/a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		lower := strings.ToLower(strings.TrimSpace(name))
		for _, c := range candidates(name) {
			if !strings.Contains(lower, c.name) {
				t.Fatalf("%q is searched as %q", name, c.name)
			}
		}
	})
}

func TestEveryListedNameFindsItsModel(t *testing.T) {
	t.Parallel()
	for m := range Default().Models() {
		for _, name := range slices.Concat([]string{m.Name}, m.Aliases) {
			price, ok := Default().Price(name, m.Provider, time.Time{})
			if !ok || price.Source != m.Prices[len(m.Prices)-1].Source || price.Rates[Input] != m.Prices[len(m.Prices)-1].Rates[Input] {
				t.Errorf("%s of %s: price %v, %v; want its own", name, m.Provider, price, ok)
			}
		}
	}
}
