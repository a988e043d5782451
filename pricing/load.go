package pricing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds of a table that Load takes.
const (
	MaxFile = 8 << 20         // bytes
	MaxRate = 10_000 * Dollar // a million tokens
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
// Prices are dollars per million tokens, from 0 to 10000, by the names of the parts;
// days are UTC. Only model and prices, and in these one price, are required. Prices
// without "from" hold as far back as one likes.
//
// It fails with a *EntryError that says which entry is wrong, with ErrFormat if r holds
// something else, and with r's error if that cannot be read.
func Load(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("pricing: reading prices: %w", err)
	}
	if len(text) > MaxFile {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrFormat, MaxFile)
	}
	var file struct {
		Models []modelEntry `json:"models"`
	}
	if err := strict(text, &file); err != nil {
		return nil, fmt.Errorf("%w%s", ErrFormat, place(err))
	}
	models := make([]Model, len(file.Models))
	for i, entry := range file.Models {
		model, err := entry.model()
		if err != nil {
			err.Entry, err.Model = i+1, clip(entry.Model)
			return nil, err
		}
		models[i] = model
	}
	if err := unique(models); err != nil {
		return nil, err
	}
	return newTable(models), nil
}

// ErrFormat is returned for a file that is not a table of prices.
var ErrFormat = errors.New(`pricing: this is no file of prices: it must be JSON such as {"models":[{"model":"name","prices":[{"input":1,"output":2}]}]}`)

// EntryError is returned for an entry that cannot be used. Of what is in the file, it
// quotes the model's name only.
type EntryError struct {
	Entry  int    // place in "models", from 1
	Model  string // its name, at most 80 bytes
	Field  string // where in the entry, such as "prices[0].input"
	Advice string // what to do
}

// Error says which entry is wrong, where, and what to do.
func (e *EntryError) Error() string {
	return fmt.Sprintf("pricing: model %d (%q), %s: %s", e.Entry, e.Model, e.Field, e.Advice)
}

// modelEntry is a Model in a file.
type modelEntry struct {
	Model    string                       `json:"model"`
	Provider string                       `json:"provider"`
	Aliases  []string                     `json:"aliases"`
	Hosted   bool                         `json:"hosted"`
	Prices   []map[string]json.RawMessage `json:"prices"`
}

func (e *modelEntry) model() (Model, *EntryError) {
	m := Model{Name: strings.ToLower(e.Model), Provider: seller(e.Provider), Hosted: e.Hosted}
	if !isName(m.Name) {
		return m, wrong("model", "give the name as it is logged, of 1 to 256 bytes")
	}
	if m.Hosted && m.Provider == "" {
		return m, wrong("provider", "name the provider of a hosted model, since others serve it too")
	}
	for i, alias := range e.Aliases {
		if !isName(alias) {
			return m, wrong(fmt.Sprintf("aliases[%d]", i), "give a name of 1 to 256 bytes")
		}
		m.Aliases = append(m.Aliases, strings.ToLower(alias))
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
				return m, wrong(where+".from", "put prices in the order of their days, without overlap")
			}
		}
		m.Prices = append(m.Prices, price)
	}
	return m, nil
}

// parsePrice reads a price and empties fields.
func parsePrice(where string, fields map[string]json.RawMessage) (p Price, err *EntryError) {
	var tiers []map[string]json.RawMessage
	for _, field := range []struct {
		name string
		into any
	}{{"from", (*day)(&p.From)}, {"until", (*day)(&p.Until)}, {"retrieved", (*day)(&p.Retrieved)}, {"source", &p.Source}, {"tiers", &tiers}} {
		raw, given := fields[field.name]
		delete(fields, field.name)
		if given && json.Unmarshal(raw, field.into) != nil {
			return p, wrong(where+"."+field.name, adviceFor(field.name))
		}
	}
	if !p.Until.IsZero() && !p.From.Before(p.Until) {
		return p, wrong(where+".until", "give a day after \"from\"")
	}
	if p.Rates, err = parseRates(where, fields); err != nil {
		return p, err
	}
	for i, fields := range tiers {
		tier, err := parseTier(fmt.Sprintf("%s.tiers[%d]", where, i), fields, p)
		if err != nil {
			return p, err
		}
		p.Tiers = append(p.Tiers, tier)
	}
	return p, nil
}

func adviceFor(field string) string {
	switch field {
	case "source":
		return "give a text"
	case "tiers":
		return `give a list such as [{"above":200000,"input":2,"output":4}]`
	}
	return "give a day such as \"2026-01-31\""
}

func parseTier(where string, fields map[string]json.RawMessage, p Price) (t Tier, err *EntryError) {
	raw := fields["above"]
	delete(fields, "above")
	if json.Unmarshal(raw, &t.Above) != nil || t.Above <= 0 || len(p.Tiers) > 0 && t.Above <= p.Tiers[len(p.Tiers)-1].Above {
		return t, wrong(where+".above", "give a number of input tokens above 0 and above that of the tier before")
	}
	if t.Rates, err = parseRates(where, fields); err != nil {
		return t, err
	}
	for _, part := range Parts() {
		_, below := p.Rates[part]
		if _, here := t.Rates[part]; below && !here {
			return t, wrong(where+"."+string(part), "repeat in a tier each price that is given outside of it")
		}
	}
	return t, nil
}

// parseRates reads the prices of parts; nothing else may be in fields.
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
		return nil, wrong(where, "give the price of at least one part, such as input")
	case unknown(fields, rates):
		return nil, wrong(where, "take out the field that has none of the known names; prices are "+partNames())
	}
	return rates, nil
}

func unknown(fields map[string]json.RawMessage, rates Rates) bool {
	return len(fields) > len(rates) // each rate comes from one field
}

func partNames() string {
	var names []string
	for _, part := range Parts() {
		names = append(names, string(part))
	}
	return strings.Join(names, ", ")
}

// unique returns an error for a name that stands twice for the same provider.
func unique(models []Model) error {
	type key struct{ provider, name string }
	seen := map[key]bool{}
	for i, m := range models {
		for _, name := range slices.Concat([]string{m.Name}, m.Aliases) {
			k := key{m.Provider, name}
			if seen[k] {
				return &EntryError{Entry: i + 1, Model: clip(m.Name), Field: "model", Advice: "name each model and alias once for a provider; give several prices in one entry"}
			}
			seen[k] = true
		}
	}
	return nil
}

// day reads a date as its beginning in UTC.
type day time.Time

// UnmarshalJSON reads a day such as "2026-01-31".
func (d *day) UnmarshalJSON(text []byte) error {
	t, err := time.Parse(`"2006-01-02"`, string(text))
	*d = day(t)
	return err
}

func wrong(field, advice string) *EntryError { return &EntryError{Field: field, Advice: advice} }

func isName(name string) bool { return name != "" && len(name) <= maxName }

func clip(name string) string { return strings.ToValidUTF8(name[:min(len(name), 80)], "") }

// strict reads one JSON value without fields that v does not have.
func strict(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// place says where JSON is wrong, without quoting it.
func place(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("; it is no JSON near byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("; a value of another kind is expected near byte %d", kind.Offset)
	}
	return "; it ends too early, has more than one value, or a field that is not known"
}
