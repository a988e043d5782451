// Package sqlite stores a collector's lines and entities in two SQLite files, with
// a driver in pure Go.
//
// The log file is the truth: blocks of up to 128 lines of one sender, compressed
// with zstd, and the ranges of line numbers each sender has used, in one
// transaction that is on disk before Append returns (synchronous=FULL). The index
// file holds thin entities, the places of their lines, the data that lists, filters and
// statistics need, and the cursor; it is written behind the answers
// (synchronous=NORMAL) and can be deleted while no collector runs: it is then built
// again from the log.
//
// They are two files because a file has one writer at a time, and storing lines
// must not wait for folding them.
//
// Several processes may open the same files, on one machine.
package sqlite
