// Package pricing says what model calls cost: a table of prices with the source and the
// date of each, exact arithmetic, and a clear "unpriced" where a model is not in it.
//
//	own, err := pricing.Load(file) // prices of your own, if any
//	…
//	table := pricing.Default().With(own)
//	cost, ok := table.Cost("gpt-4o-2024-08-06", "openai", time.Now(), usage)
//
// Prices are list prices in US dollars of ordinary calls. Discounts for batches, prices
// for priority or a region, images, searches, and cache entries that live longer than
// usual are not in the table: where these matter, give the cost with the call, or load
// prices of your own.
//
// # How a model is found
//
// Names are compared in lower case. For a name as logged, and then for what is left of
// it after each prefix that says who serves it, from the left, the table is asked for
//
//  1. the name, as a model or as an alias of one;
//  2. the name without a version of the server: -v1:0, -v1 or :0;
//  3. the name without the date of a snapshot: -2024-08-06, -20250219, @20250219,
//     -latest or @latest.
//
// Prefixes are path segments, as in openai/gpt-4o, models/gemini-2.5-pro or
// openrouter/anthropic/claude-sonnet-4, and dotted ones, as in
// us.anthropic.claude-3-7-sonnet; only those known are cut. Of a fine-tuned model, such as
// ft:gpt-4o-2024-08-06:acme::id, what follows the second colon is passed by.
//
// Nothing else is cut, so that a name never finds a model whose name it merely begins
// with: gpt-4o does not price gpt-4o-mini, nor gpt-4o-2024-08-06-preview.
//
// Of several models of one name, the one of the call's provider is taken, and none where
// that does not decide. A Hosted model, which several companies serve at prices of their
// own, is found only if the provider or a prefix names its own.
//
// # How a call is priced
//
// Each token is counted once. Of the input, cache reads, cache writes and audio are told
// apart in this order, and the rest is plain input; of the output, audio and reasoning.
// Parts that exceed their whole are cut to it. Each part has a price, or falls to
// another's:
//
//	cache_read    input, where no price is listed
//	cache_write   input, where no price is listed
//	reasoning     output, where no price is listed
//	audio_input   none: the call is unpriced
//	audio_output  none: the call is unpriced
//
// A call whose input is above a tier's bound is priced by that tier as a whole. A part
// costs its tokens times the price of a million, divided by a million and rounded once,
// halves away from zero; Cost.Input and Cost.Output are the sums of their parts.
package pricing
