// Package wire reads and writes log lines, the one format that clients,
// collectors and the SDKs of the Maxim log protocol share:
//
//	entity{id=ID,action=ACTION,data=JSON}
//
// [Encoder] writes a line, [Parse] takes one apart, [Fields] walks an object of
// its data. Reading is more lenient than writing, because the lines of existing
// SDKs hold ids, numbers and bytes that Troupe itself never sends; docs/internals/wire.md
// states both grammars.
//
// All functions are pure and safe for concurrent use. Errors tell the place and
// the kind of trouble and never quote a line.
package wire
