// Package demo logs what a handful of made-up agents would have done in the last week,
// so that somebody who has just started a collector sees what its pages are for:
// conversations with tools, documents that were retrieved, agents that work for others,
// failures and second attempts, pictures, several languages, feedback, and one run that is
// still open.
//
// All of it follows from a seed: the same seed logs the same, apart from ids and times.
package demo
