package pricing_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupelog/troupe/pricing"
)

func ExampleTable_Cost() {
	usage := pricing.Usage{Input: 1200, CacheRead: 1000, Output: 80}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if cost, ok := pricing.Default().Cost("gpt-4o-2024-08-06", "openai", day, usage); ok {
		fmt.Println("input", cost.Input, "output", cost.Output, "total", cost.Total)
	}
	if _, ok := pricing.Default().Cost("our-own-model", "", day, usage); !ok {
		fmt.Println("our-own-model is unpriced")
	}
	// Output:
	// input 0.00175 output 0.0008 total 0.00255
	// our-own-model is unpriced
}

func ExampleLoad() {
	file := strings.NewReader(`{"models":[{
		"model": "our-own-model",
		"prices": [{"input": 0.2, "output": 0.6, "source": "our price list", "retrieved": "2026-01-01"}]
	}]}`)
	own, err := pricing.Load(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	table := pricing.Default().With(own)
	for _, model := range []string{"our-own-model", "gpt-4o"} {
		cost, ok := table.Cost(model, "", time.Time{}, pricing.Usage{Input: 1_000_000})
		fmt.Println(model, cost.Total, ok)
	}
	// Output:
	// our-own-model 0.2 true
	// gpt-4o 2.5 true
}

func ExampleLoad_error() {
	_, err := pricing.Load(strings.NewReader("{\"models\":[\n{\"model\":\"m\",\"prices\":[{\"inptu\":1}]}\n]}"))
	fmt.Println(err)
	// Output:
	// pricing: line 2: model 1 ("m"), prices[0]: give the price of at least one part: input, cache_read, cache_write, output, reasoning, audio_input, audio_output
}

func ExampleTable_Price() {
	price, ok := pricing.Default().Price("openai/gpt-4o-mini", "", time.Time{})
	fmt.Println(price.Rates[pricing.Input], "per million tokens,", price.Source, ok)
	// Output: 0.15 per million tokens, OpenAI API pricing page true
}

func ExampleParseUSD() {
	amount, ok := pricing.ParseUSD("3e-7")
	fmt.Println(amount, ok)
	// Output: 0.0000003 true
}
