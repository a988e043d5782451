// Package conformance checks that the logger sends the same lines as the existing SDKs of the
// protocol. It plays a corpus through the public API of package logger
// against an HTTP server in the same process, and compares line by line.
//
// A corpus is a JSON file of cases. A case is one call of an SDK, in a form that
// belongs to no language, and the lines that the SDK sent for it:
//
//	{"id": "…", "call": "logger.trace_add_tag", "args": {…}, "lines": [{"entity": "trace", …}]}
//
// [Load] reads a corpus, [Play] plays a case and judges it. Lines are compared as
// JSON values: the order of keys, spaces, escapes and the spelling of numbers do not
// count, nor does the zone in which a time is written; <ts> and <uuid> stand for any
// time and any UUID. Strings that hold JSON, which the protocol has for parameters,
// metadata and the results of tools, are compared as the JSON they hold.
//
// A case that differs fails, unless the project chose to differ: [Deviations] are
// rules that give the lines of Troupe, and the reason. A rule knows calls and
// conditions, never a single case. It rewrites the lines that are expected, and those
// are compared again, so that a deviating case still fails when something else in it
// is wrong.
//
// A case is skipped when its call cannot be made: a value does not fit the Go type,
// or the logger has no such call. A member of its arguments that Go cannot express, a
// tag that is a list or a name that is null, is left out of the call and of the lines
// that are expected; the case is judged by the rest, and the tally counts the
// omitted members.
//
// The test runs the corpus that $CORPUS names, and the small one in testdata, which
// `go test -update` rewrites from the lines of the logger.
package conformance
