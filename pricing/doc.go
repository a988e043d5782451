// Package pricing says what model calls cost: a table of prices with the source and the
// date of each, exact arithmetic, and a clear "unpriced" where a model is not in it.
package pricing
