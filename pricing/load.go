package pricing

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Limits of the files that Load accepts. MaxRate catches prices that were given for a thousand
// tokens, or in cents, and moved by the wrong factor.
const (
	MaxFile = 8 << 20         // length in bytes, inclusive
	MaxRate = 10_000 * Dollar // price of a million tokens, inclusive
)

// Load reads a table of prices:
//
//	{"models": [{
//	    "model": "llama-3.3-70b", "provider": "ours", "aliases": ["llama"], "hosted": true,
//	    "prices": [{
//	        "from": "2026-01-01", "until": "2027-01-01",
//	        "input": 0.2, "output": 0.6, "cache_read": 0.02,
//	        "tiers": [{"above": 200000, "input": 0.4, "output": 1.2, "cache_read": 0.04}],
//	        "source": "our price list", "retrieved": "2026-01-01"
//	    }]
//	}]}
//
// Prices are dollars per million tokens, from 0 to 10000, under the names of the parts, and
// days begin at midnight UTC. Required are "model", "prices" and one price of a part in each of
// these. A price without "from" holds for any time before "until", one without "until" for any
// time after "from". Load reads at most MaxFile bytes.
//
// Unknown fields, names that are listed twice for a provider, and prices out of order are
// errors: a table is used as a whole or not at all. Load fails with an *EntryError that names
// the entry, its line and the remedy; with ErrFormat if r holds anything but a table; and with
// the error of r if reading fails.
func Load(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("pricing: read prices: %w", err)
	}
	if len(text) > MaxFile {
		return nil, fmt.Errorf("%w; the file is longer than %d bytes", ErrFormat, MaxFile)
	}
	var file struct {
		Models []modelEntry `json:"models"`
	}
	if err := strict(text, &file); err != nil {
		return nil, formatError(text, err)
	}
	if file.Models == nil {
		return nil, fmt.Errorf(`%w; "models" is missing`, ErrFormat)
	}
	models := make([]Model, len(file.Models))
	for i, entry := range file.Models {
		model, err := entry.model()
		if err != nil {
			return nil, err.in(text, i, entry.Model)
		}
		models[i] = model
	}
	if i, err := unique(models); err != nil {
		return nil, err.in(text, i, models[i].Name)
	}
	return newTable(models), nil
}

// modelEntry is a Model in a file. Its prices are maps so that errors can name the field that
// is wrong or unknown.
type modelEntry struct {
	Model    string                       `json:"model"`
	Provider string                       `json:"provider"`
	Aliases  []string                     `json:"aliases"`
	Hosted   bool                         `json:"hosted"`
	Prices   []map[string]json.RawMessage `json:"prices"`
}

// model checks an entry and returns its Model.
func (e *modelEntry) model() (Model, *EntryError) {
	m := Model{Name: listed(e.Model), Provider: seller(e.Provider), Hosted: e.Hosted}
	if !isName(m.Name) {
		return m, wrong("model", "give the name that is logged, 1 to 256 bytes long")
	}
	if m.Hosted && m.Provider == "" {
		return m, wrong("provider", "name the provider of a hosted model, because others serve it too")
	}
	for i, alias := range e.Aliases {
		if alias = listed(alias); !isName(alias) {
			return m, wrong(fmt.Sprintf("aliases[%d]", i), "give a name, 1 to 256 bytes long")
		}
		m.Aliases = append(m.Aliases, alias)
	}
	if len(e.Prices) == 0 {
		return m, wrong("prices", "add at least one price")
	}
	for i, fields := range e.Prices {
		where := fmt.Sprintf("prices[%d]", i)
		price, err := parsePrice(where, fields)
		if err != nil {
			return m, err
		}
		if i > 0 {
			if last := m.Prices[i-1]; !last.From.Before(price.From) || last.Until.After(price.From) {
				return m, wrong(where+".from", "list prices in the order of their days, without overlap")
			}
		}
		m.Prices = append(m.Prices, price)
	}
	return m, nil
}

// parsePrice reads a price. It removes each field that it knows from fields; the rest must be
// rates.
func parsePrice(where string, fields map[string]json.RawMessage) (p Price, err *EntryError) {
	var tiers []map[string]json.RawMessage
	for _, field := range []struct {
		name   string
		into   any
		advice string
	}{
		{"from", (*day)(&p.From), `give a day such as "2026-01-31"`},
		{"until", (*day)(&p.Until), `give a day such as "2026-01-31"`},
		{"retrieved", (*day)(&p.Retrieved), `give a day such as "2026-01-31"`},
		{"source", &p.Source, "give a text"},
		{"tiers", &tiers, `give a list such as [{"above":200000,"input":2,"output":4}]`},
	} {
		raw, given := fields[field.name]
		delete(fields, field.name)
		if given && json.Unmarshal(raw, field.into) != nil {
			return p, wrong(where+"."+field.name, field.advice)
		}
	}
	if !p.Until.IsZero() && !p.From.Before(p.Until) {
		return p, wrong(where+".until", `give a day after "from"`)
	}
	if p.Rates, err = parseRates(where, fields); err != nil {
		return p, err
	}
	p.Tiers, err = parseTiers(where, tiers, p.Rates)
	return p, err
}

// parseTiers reads the tiers of a price with the given rates.
func parseTiers(where string, list []map[string]json.RawMessage, below Rates) ([]Tier, *EntryError) {
	var tiers []Tier
	for i, fields := range list {
		place, last := fmt.Sprintf("%s.tiers[%d]", where, i), int64(0)
		if i > 0 {
			last = tiers[i-1].Above
		}
		tier, err := parseTier(place, fields, last)
		if err != nil {
			return nil, err
		}
		for _, part := range Parts() {
			_, listed := below[part]
			if _, here := tier.Rates[part]; listed && !here {
				return nil, wrong(place+"."+string(part), "list in a tier each part that the price lists outside of it")
			}
		}
		tiers = append(tiers, tier)
	}
	return tiers, nil
}

// parseTier reads a tier that must begin above the bound of the tier before it.
func parseTier(where string, fields map[string]json.RawMessage, last int64) (t Tier, err *EntryError) {
	raw := fields["above"]
	delete(fields, "above")
	if json.Unmarshal(raw, &t.Above) != nil || t.Above <= last {
		return t, wrong(where+".above", "give a whole number of input tokens above 0 and above the previous tier")
	}
	t.Rates, err = parseRates(where, fields)
	return t, err
}

// parseRates reads the prices of parts. It reports fields that are not parts: a misspelt part
// would otherwise be priced by its fallback.
func parseRates(where string, fields map[string]json.RawMessage) (Rates, *EntryError) {
	rates := Rates{}
	for _, part := range Parts() {
		raw, given := fields[string(part)]
		if !given {
			continue
		}
		rate, ok := ParseUSD(string(raw))
		if !ok || rate < 0 || rate > MaxRate {
			return nil, wrong(where+"."+string(part), "give a number of dollars per million tokens, from 0 to 10000")
		}
		rates[part] = rate
	}
	switch {
	case len(rates) == 0:
		return nil, wrong(where, "give the price of at least one part: "+partNames())
	case len(fields) > len(rates): // each rate comes from one field
		return nil, wrong(where, "remove the field with an unknown name; the parts are "+partNames())
	}
	return rates, nil
}

// partNames returns the names of all parts for an error text.
func partNames() string {
	var names []string
	for _, part := range Parts() {
		names = append(names, string(part))
	}
	return strings.Join(names, ", ")
}

// unique returns an error, and the index of its model, if a name or alias occurs twice for the
// same provider: lookups would depend on the order of the file.
func unique(models []Model) (int, *EntryError) {
	type key struct{ provider, name string }
	seen := map[key]bool{}
	for i, m := range models {
		for _, name := range slices.Concat([]string{m.Name}, m.Aliases) {
			k := key{m.Provider, name}
			if seen[k] {
				return i, wrong("model", "list each model and alias once for a provider; put several prices into one entry")
			}
			seen[k] = true
		}
	}
	return 0, nil
}

// day decodes a date to midnight UTC.
type day time.Time

// UnmarshalJSON reads a day such as "2026-01-31".
func (d *day) UnmarshalJSON(text []byte) error {
	t, err := time.Parse(`"2006-01-02"`, string(text))
	*d = day(t)
	return err
}

// listed returns the form in which tables hold a name: lookups use lower case without spaces
// around it.
func listed(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func isName(name string) bool { return name != "" && len(name) <= maxName }
