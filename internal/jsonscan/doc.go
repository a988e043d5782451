// Package jsonscan reads JSON text in place: it checks and compacts the text of a caller,
// and finds the members of objects, without building values and without reflection.
// It accepts the texts that encoding/json accepts; the tests compare both with each
// other.
//
// The package keeps no state; its functions are safe for concurrent use.
package jsonscan
