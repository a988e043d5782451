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

// Table is prices by model. Nil and the zero value know none. It is not changed once
// made, so it is safe for concurrent use.
type Table struct {
	models  []Model          // by provider and name
	named   map[string][]int // places in models, by name and alias
	below   *Table           // is asked for what this one does not know; nil for none
	version string           // empty if there are no models
}

// rules is the version of how models are found and calls are priced. It is part of
// Version, so that whoever keeps costs knows that they may be different now.
const rules = 1

// newTable returns a table of models that were checked. It keeps them.
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

// Cost returns what a call cost, false where the table has no price for the model, for
// the time, or for a part of what was used. The zero time stands for now. See the package
// comment for how a model is found and how a call is priced.
func (t *Table) Cost(model, provider string, at time.Time, u Usage) (Cost, bool) {
	price, ok := t.find(model, provider, at)
	if !ok {
		return Cost{}, false
	}
	return price.rates(u.Input).cost(u)
}

// Price returns the price that Cost goes by, with its source and date.
func (t *Table) Price(model, provider string, at time.Time) (Price, bool) {
	price, ok := t.find(model, provider, at)
	if !ok {
		return Price{}, false
	}
	return price.clone(), true
}

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

// model returns the model of the first name that is one.
func (t *Table) model(names []candidate, provider string) (*Model, bool) {
	for _, name := range names {
		if m, ok := t.lookup(name, provider); ok {
			return m, true
		}
	}
	return nil, false
}

// Version returns a text of at most 32 characters that is another one when the table
// would give other answers, and empty for a table without models.
func (t *Table) Version() string {
	if t == nil {
		return ""
	}
	return t.version
}

// With returns a table that asks other first, by all rules, and t for models and times
// that other has no price for. Either may be nil. Neither is changed.
func (t *Table) With(other *Table) *Table {
	switch {
	case t.Version() == "":
		return other
	case other.Version() == "":
		return t
	}
	joined := *other
	joined.below = other.below.With(t)
	joined.version = joined.hash()
	return &joined
}

// Models returns copies of all models in the order of provider and name: those of a
// table given to With first, then those that it was put over.
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

// hash returns a digest of what answers depend on.
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

func (r Rates) write(w io.Writer) {
	for _, part := range Parts() {
		if rate, ok := r[part]; ok {
			fmt.Fprintf(w, " %s=%d", part, rate)
		}
	}
	fmt.Fprintln(w)
}
