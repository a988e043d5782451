// Package jsonscan reads JSON text in place: it checks and compacts what a caller gives,
// and finds the members of objects, without building values and without reflection.
// What is JSON is what encoding/json takes for JSON; the tests hold them against each
// other.
//
// The package keeps no state; its functions are safe for concurrent use.
package jsonscan
