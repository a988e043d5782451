// Package demo logs a week in the life of a few invented agents, so that the pages of a new
// collector have something to show: conversations with tools, retrieved documents, agents that
// work for others, failures and retries, pictures, several languages, feedback, and one run that
// is still open.
//
// Everything follows from a seed: the same seed logs the same, apart from ids and times. Nothing
// is sent to a model.
package demo
