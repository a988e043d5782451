// Package store says what a collector needs of its storage, and does with it what
// does not depend on the kind of storage.
//
// There are two parts. A [Log] is the truth: every acknowledged line, in the order
// in which it was committed, each once. An [Index] is derived from it: thin
// entities, where their lines are, and a cursor that says how far it has got. An
// Index can be thrown away and built again.
//
//	POST ─► Log.Append ─► answer            Log.Read ─► Fold ─► Index.Apply
//
// [Fold] moves the Index forward by one step; [Tree] reads a whole tree back.
// Stores know no JSON: that is package fold's. Package storetest checks a store.
package store
