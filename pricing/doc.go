// Package pricing computes the cost of model calls from a table of list prices. Every price
// has a source and the day on which it was looked up, the arithmetic is exact, and a model
// that is not in the table is reported as unpriced instead of costing nothing.
//
//	table := pricing.Default()
//	cost, ok := table.Cost("gpt-4o-2024-08-06", "openai", time.Now(), pricing.Usage{Input: 1200, Output: 80})
//
// [Default] knows the list prices, in US dollars, of ordinary calls. Discounts for batches,
// prices for priority or for a region, images, searches, and cache entries with a longer life
// than usual are not in it: where these matter, give the cost with the call or load a table
// with [Load] and put it over the default one with [Table.With].
//
// Tables never change once they are made, so all functions and methods of this package may be
// called concurrently. None of them does I/O, except that Load reads its argument.
//
// # How a model is found
//
// Names are compared in lower case. A table is searched for the name as logged, then for the
// rest of the name after each prefix that says who serves the model, from left to right. Each
// of these names is tried in three forms, and the first match wins:
//
//  1. the name itself, as a model or as the alias of one;
//  2. the name without the server's version: -v1:0, -v1 or :0;
//  3. the name without the date of a snapshot: -2024-08-06, -20250219, @20250219,
//     -latest or @latest.
//
// Prefixes are path segments, as in openai/gpt-4o, models/gemini-2.5-pro or
// openrouter/anthropic/claude-sonnet-4, and dotted ones, as in us.anthropic.claude-3-7-sonnet.
// Unknown prefixes are never cut. In the name of a fine-tuned model, such as
// ft:gpt-4o-2024-08-06:acme::id, everything from the second colon on is ignored, so a table
// prices it under ft:gpt-4o-2024-08-06 or ft:gpt-4o.
//
// Nothing else is cut: gpt-4o prices neither gpt-4o-mini nor gpt-4o-2024-08-06-preview. An
// unpriced call is visible, whereas a call at the price of another model is not.
//
// If several companies list a model of the same name, the model of the call's provider is
// taken. If that does not decide, the call is unpriced. A Hosted model, which several companies
// serve at different prices, is found only if the provider or a prefix names its company.
//
// # How a call is priced
//
// Each token is counted once. Cache reads, cache writes and audio are taken out of the input in
// this order, and the rest is plain input; audio and reasoning are taken out of the output. A
// part that exceeds its whole is cut to it, so wrong counts never make a call cost more than its
// input and output. A part without a listed price falls back to another one:
//
//	cache_read    input
//	cache_write   input
//	reasoning     output
//	audio_input   none: the call is unpriced
//	audio_output  none: the call is unpriced
//
// If the input is above the bound of a tier, the tier's rates hold for the whole call. A part
// costs its tokens times the price of a million tokens, divided by a million and rounded once,
// halves away from zero. Cost.Input and Cost.Output are the sums of their parts, and
// Cost.Total is the sum of these two.
//
// # Prices of your own
//
// A file lists models, their other names and their prices over time; [Load] shows all fields:
//
//	{"models":[{
//	    "model": "our-llama", "aliases": ["llama-3.3-70b-ft"],
//	    "prices": [{"input": 0.2, "output": 0.6, "source": "our price list", "retrieved": "2026-01-01"}]
//	}]}
//
// Put it over the built-in table, so that models it does not list keep their list prices:
//
//	own, err := pricing.Load(file)
//	if err != nil {
//		return err // names the line, the field and the remedy
//	}
//	table := pricing.Default().With(own)
//
// # Money
//
// [USD] counts billionths of a dollar in an int64. Sums of it are exact in any order, unlike
// sums of floats, and stop at ±9.2 billion dollars instead of overflowing. In JSON and in text
// it is a decimal number of dollars.
//
// # Keeping costs
//
// [Table.Version] identifies the answers of a table. Store it beside computed costs and compute
// them again when it changes: new prices and new rules of this package both change it.
package pricing
