// Package archtest holds the module to its own map: which package may import
// which, and what the logger may bring into a user's build. It has no code of its
// own; its tests ask the go command about every package of the module, for each
// operating system Troupe supports, and compare the answer with the table in
// layout_test.go. docs/architecture.md explains the table.
//
// A package without a row fails the test, and so does a row without a package, so
// that the map can neither lag behind nor hold vacuously.
package archtest
