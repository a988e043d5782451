// Package archtest holds the module to its map and to its measures.
//
// # The map
//
// The table in layout.go says which package may import which, and which modules the logger
// may bring into a user's build. The tests ask the go command about every package of the
// module, for each operating system Troupe supports, and compare the answer with the table.
// docs/internals/architecture.md explains the table.
//
// A package without a row fails the test, and so does a row without a package, so that the
// map can neither lag behind nor hold vacuously.
//
// # The measures
//
// [Run] measures sizes, comments, tests, idioms and imports; see the command measure for the
// way it counts lines. A test compares the figures with testdata/measure.txt: they may not
// get worse than recorded there, unless they reach their goal.
package archtest
