package logger_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
	"github.com/troupelog/troupe/pricing"
)

// pricesOf prices everything of one model, by what it is asked.
type pricesOf struct {
	model string
	asked []pricing.Usage // one call at a time
	fails bool
}

func (p *pricesOf) Cost(model, _ string, _ time.Time, u pricing.Usage) (pricing.Cost, bool) {
	if p.fails {
		panic("no prices today")
	}
	if model != p.model {
		return pricing.Cost{}, false
	}
	p.asked = append(p.asked, u)
	return pricing.Cost{Input: pricing.Dollar / 4, Output: pricing.Dollar / 2, Total: 3 * pricing.Dollar / 4}, true
}

const priced = `{"id":"c","object":"chat.completion","created":1,"model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":1},"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":1}}}`

func TestCallsArePriced(t *testing.T) {
	want := map[string]any{"cost": map[string]any{"input": 0.25, "output": 0.5, "total": 0.75}}
	for name, test := range map[string]struct {
		knows string // the model
		call  func(*logger.Logger, logger.Trace)
		costs int
	}{
		"by the model of the answer": {"m-2026", func(_ *logger.Logger, tr logger.Trace) {
			tr.AddGeneration(logger.GenerationConfig{Model: "m"}).Result(json.RawMessage(priced))
		}, 1},
		"by the model that was asked for": {"m", func(_ *logger.Logger, tr logger.Trace) {
			tr.AddGeneration(logger.GenerationConfig{Model: "m"}).Result(json.RawMessage(priced))
		}, 1},
		"by id": {"m-2026", func(l *logger.Logger, tr logger.Trace) {
			g := tr.AddGeneration(logger.GenerationConfig{Model: "m"})
			l.GenerationResult(g.ID(), json.RawMessage(priced))
		}, 1},
		"not without a price": {"other", func(_ *logger.Logger, tr logger.Trace) {
			tr.AddGeneration(logger.GenerationConfig{Model: "m"}).Result(json.RawMessage(priced))
		}, 0},
		"not without tokens": {"m", func(_ *logger.Logger, tr logger.Trace) {
			tr.AddGeneration(logger.GenerationConfig{Model: "m"}).Result(json.RawMessage(`{"model":"m","choices":[]}`))
		}, 0},
		"not for an error": {"m", func(_ *logger.Logger, tr logger.Trace) {
			tr.AddGeneration(logger.GenerationConfig{Model: "m"}).Error(logger.Failure{Message: "down"})
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			log, rec := loggertest.New(t, logger.Config{Prices: &pricesOf{model: test.knows}})
			tr := log.Trace(logger.TraceConfig{})
			test.call(log, tr)
			tr.End()
			costs := rec.Find(t, "generation", "add-cost")
			if len(costs) != test.costs {
				t.Fatalf("%d costs were logged, want %d", len(costs), test.costs)
			}
			if test.costs > 0 {
				rec.Logged(t, "generation", "add-cost", want)
			}
			rec.AllEnded(t)
			rec.NoErrors(t)
		})
	}
}

func TestACostThatIsGivenStays(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{Prices: &pricesOf{model: "m"}})
	g := log.Trace(logger.TraceConfig{}).AddGeneration(logger.GenerationConfig{Model: "m"})
	g.AddCost(pricing.Cost{Total: 9 * pricing.Dollar})
	g.Result(json.RawMessage(priced))
	if costs := rec.Find(t, "generation", "add-cost"); len(costs) != 1 {
		t.Errorf("logged %v", costs)
	}
}

func TestPricesAreAskedOfAllParts(t *testing.T) {
	prices := &pricesOf{model: "m-2026"}
	log, rec := loggertest.New(t, logger.Config{Prices: prices})
	log.Trace(logger.TraceConfig{}).AddGeneration(logger.GenerationConfig{}).Result(json.RawMessage(priced))
	log.Trace(logger.TraceConfig{}).AddGeneration(logger.GenerationConfig{}).Result(json.RawMessage(
		`{"id":"m","type":"message","role":"assistant","model":"m-2026","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":6}}`))
	rec.Lines(t)
	want := []pricing.Usage{
		{Input: 10, Output: 5, Total: 15, CacheRead: 4, Reasoning: 2, AudioInput: 1, AudioOutput: 1},
		{Input: 12, Output: 6, Total: 18, CacheRead: 4, CacheWrite: 5},
	}
	if diff := cmp.Diff(want, prices.asked); diff != "" {
		t.Error(diff)
	}
}

func TestPricesThatPanicCostNothing(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{Prices: &pricesOf{fails: true}})
	log.Trace(logger.TraceConfig{}).AddGeneration(logger.GenerationConfig{Model: "m"}).Result(json.RawMessage(priced))
	if results := rec.Find(t, "generation", "result"); len(results) != 1 {
		t.Errorf("logged %v", results)
	}
	for len(rec.Errors()) == 0 {
		time.Sleep(time.Millisecond) // waits for the condition; the test's own timeout ends it
	}
	if err := rec.Errors()[0]; !errors.Is(err, logger.ErrPanic) {
		t.Errorf("OnError got %v, want ErrPanic", err)
	}
}

func TestTheTableOfPricesCanBeUsed(t *testing.T) {
	log, rec := loggertest.New(t, logger.Config{Prices: pricing.Default()})
	tr := log.Trace(logger.TraceConfig{})
	tr.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai"}).Result(json.RawMessage(
		`{"model":"gpt-4o-2024-08-06","choices":[],"usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000}}`))
	cost, _ := rec.One(t, "generation", "add-cost").Data["cost"].(map[string]any)
	known, ok := pricing.Default().Cost("gpt-4o", "openai", time.Now(), pricing.Usage{Input: 1_000_000})
	if total, _ := cost["total"].(float64); !ok || total != float64(known.Total)/float64(pricing.Dollar) {
		t.Errorf("it cost %v, want %v", cost, known)
	}
}
