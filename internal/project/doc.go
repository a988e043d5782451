// Package project derives the index and the search from the log, and reads entities back.
//
//	POST ─► Log.Append ─► answer            Log.Read ─► Fold   ─► Index.Apply
//	                                        Log.Read ─► Gather ─► Search.Add
//
// [Fold] and [Gather] each move one derived store forward by one step. [Tree] and [Node]
// build entities from their lines, and [Passages] shows where a search found its words.
// All of it works with any implementation of the interfaces of package store.
package project
