package pricing

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Table holds prices by model. A nil or zero Table knows no model. Tables are immutable, so
// they may be used concurrently.
type Table struct {
	models  []Model          // sorted by provider and name
	named   map[string][]int // indexes into models, by name and alias
	below   *Table           // searched for models that this table cannot price; may be nil
	version string           // empty if there are no models
}

// rules is the version of the rules by which models are found and calls are priced. It is part
// of Version, because costs that were stored under other rules may have to be computed again.
// Increase it with every change of these rules.
const rules = 2

// newTable returns a table of checked models. It takes ownership of the slice.
func newTable(models []Model) *Table {
	if len(models) == 0 {
		return &Table{}
	}
	slices.SortStableFunc(models, func(a, b Model) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Name, b.Name))
	})
	t := &Table{models: models, named: make(map[string][]int, len(models))}
	for i, m := range models {
		t.named[m.Name] = append(t.named[m.Name], i)
		for _, alias := range m.Aliases {
			t.named[alias] = append(t.named[alias], i)
		}
	}
	t.version = t.hash()
	return t
}

// Cost returns the cost of a call to a model at a time. It reports false, with a zero Cost, if
// the table has no price for the model, for the time, or for a used part. The zero time selects
// the newest price. The provider may be empty if the name of the model is unambiguous. See the
// package comment for the rules.
func (t *Table) Cost(model, provider string, at time.Time, u Usage) (Cost, bool) {
	price, ok := t.find(model, provider, at)
	if !ok {
		return Cost{}, false
	}
	return price.rates(u.Input).cost(u)
}

// Price returns the price that Cost uses for the same arguments, with its source and date. It
// is a copy that the caller may change.
func (t *Table) Price(model, provider string, at time.Time) (Price, bool) {
	price, ok := t.find(model, provider, at)
	if !ok {
		return Price{}, false
	}
	return price.clone(), true
}

// find returns the price of a model at a time, from the topmost table that has one. A table
// that knows the model but no price for the time is passed over.
func (t *Table) find(model, provider string, at time.Time) (*Price, bool) {
	names := candidates(model)
	provider = seller(provider)
	for ; t != nil; t = t.below {
		m, ok := t.model(names, provider)
		if !ok {
			continue
		}
		if price, ok := m.at(at); ok {
			return price, true
		}
	}
	return nil, false
}

// model returns the model with the first of the names that is listed.
func (t *Table) model(names []candidate, provider string) (*Model, bool) {
	for _, name := range names {
		if m, ok := t.lookup(name, provider); ok {
			return m, true
		}
	}
	return nil, false
}

// Version returns a text of 32 characters that identifies the answers of the table: tables with
// different prices, models or rules have different versions. It is empty if the table has no
// models. Sources and dates of retrieval do not count.
func (t *Table) Version() string {
	if t == nil {
		return ""
	}
	return t.version
}

// With returns a table that searches other first, under all names of a model, and then t for
// models and times that other has no price for. Either may be nil. Neither is changed.
func (t *Table) With(other *Table) *Table {
	switch {
	case t.Version() == "":
		return other
	case other.Version() == "":
		return t
	}
	joined := *other
	joined.below = t.With(other.below) // other may be joined itself: its tables come before t
	joined.version = joined.hash()
	return &joined
}

// Models returns copies of all models, sorted by provider and name. In a table made by With,
// the models of its argument come first, and a model that both list comes twice.
func (t *Table) Models() iter.Seq[Model] {
	return func(yield func(Model) bool) {
		for t := t; t != nil; t = t.below {
			for _, m := range t.models {
				if !yield(m.clone()) {
					return
				}
			}
		}
	}
}

// hash returns a digest of everything that answers depend on. Its input must stay stable:
// a different digest makes collectors compute all stored costs again.
func (t *Table) hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q\n", rules, t.below.Version())
	for _, m := range t.models {
		fmt.Fprintf(h, "%q %q %q %t\n", m.Name, m.Provider, m.Aliases, m.Hosted)
		for _, p := range m.Prices {
			fmt.Fprintf(h, " %d %d", p.From.Unix(), p.Until.Unix())
			p.Rates.write(h)
			for _, tier := range p.Tiers {
				fmt.Fprintf(h, "  %d", tier.Above)
				tier.Rates.write(h)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// write writes the rates in a fixed order, unlike the order of the map.
func (r Rates) write(w io.Writer) {
	for _, part := range Parts() {
		if rate, ok := r[part]; ok {
			fmt.Fprintf(w, " %s=%d", part, rate)
		}
	}
	fmt.Fprintln(w)
}
