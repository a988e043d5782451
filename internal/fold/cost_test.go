package fold_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// flat prices are one dollar for a token of one model.
type flat struct{ model string }

func (flat) Version() string { return "flat" }

func (p flat) Cost(model, _ string, _ time.Time, u pricing.Usage) (pricing.Cost, bool) {
	input, output := pricing.USD(u.Input)*pricing.Dollar, pricing.USD(u.Output)*pricing.Dollar
	return pricing.Cost{Input: input, Output: output, Total: input + output}, model == p.model
}

func generation(lines ...string) fold.Entity {
	key := fold.KeyOf(repo, protocol.Ref{Kind: protocol.Generation, ID: "g"})
	return fold.Fold(repo, numbered(lines...))[key]
}

func TestWhereACostComesFrom(t *testing.T) {
	const used = `generation{id=g,action=result,data={"result":{"usage":{"prompt_tokens":2,"completion_tokens":1}}}}`
	const model, other = `generation{id=g,action=update,data={"model":"m"}}`, `generation{id=g,action=update,data={"model":"n"}}`
	cost := func(text string) string { return `generation{id=g,action=add-cost,data={"cost":` + text + `}}` }
	tests := map[string]struct {
		lines []string
		want  pricing.USD
		from  fold.Costing
	}{
		"nothing was used":          {[]string{model}, 0, fold.NoCost},
		"a price":                   {[]string{model, used}, 3 * pricing.Dollar, fold.Priced},
		"no price":                  {[]string{other, used}, 0, fold.Unpriced},
		"the client says":           {[]string{model, used, cost(`{"total":0.000000001}`)}, 1, fold.GivenCost},
		"the client says nothing":   {[]string{model, used, cost(`{"total":null}`)}, 3 * pricing.Dollar, fold.Priced},
		"the client's parts":        {[]string{cost(`{"input":0.1,"output":"0.2"}`)}, 300_000_000, fold.GivenCost},
		"nothing, the client says":  {[]string{model, used, cost(`0`)}, 0, fold.GivenCost},
		"more than anything costs":  {[]string{model, used, cost(`1e9`)}, 3 * pricing.Dollar, fold.Priced},
		"the last that is a number": {[]string{cost(`2`), cost(`"much"`)}, 2 * pricing.Dollar, fold.GivenCost},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := generation(tt.lines...)
			for range 2 { // pricing again changes nothing
				e.Price(flat{"m"})
				if e.Cost.Total != tt.want || e.Costing != tt.from {
					t.Errorf("cost %v from %v, want %v from %v", e.Cost.Total, e.Costing, tt.want, tt.from)
				}
			}
		})
	}
}

func TestOtherPricesReplaceAPrice(t *testing.T) {
	e := generation(`generation{id=g,action=result,data={"model":"m","result":{"usage":{"prompt_tokens":2}}}}`)
	e.Price(flat{"m"})
	if e.Price(nil); e.Costing != fold.Unpriced || e.Cost != (pricing.Cost{}) {
		t.Errorf("cost %v from %v, want none", e.Cost, e.Costing)
	}
}

func TestCostsAndUsageKeepTheirNamesInJSON(t *testing.T) {
	usage := pricing.Usage{Input: 1, Output: 2, Total: 3, CacheRead: 4, CacheWrite: 5, Reasoning: 6, AudioInput: 7, AudioOutput: 8}
	got, err := json.Marshal([]any{usage, pricing.Cost{Input: pricing.Dollar / 4, Output: 1, Total: 0}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"input":1,"output":2,"total":3,"cached":4,"cache_write":5,"reasoning":6,"audio_input":7,"audio_output":8},` +
		`{"input":0.25,"output":0.000000001,"total":0}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
