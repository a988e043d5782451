// Package store defines the storage interfaces of the collector and the values that pass
// through them.
//
// A [Log] is the truth: every acknowledged line, in the order in which it was committed,
// each once. An [Index] and a [Search] are derived from it, each with a cursor that says
// how much of the log they cover. They can be thrown away and built again; package project
// does that.
//
// Stores do not interpret JSON: package fold does. Package storetest is the suite that
// every store must pass.
package store
