// Package otlp turns traces of OpenTelemetry into log lines, so that what is instrumented
// with it shows up among everything else. [Convert] reads the body of an OTLP/HTTP export
// request, in protobuf or JSON; [Success] and [Failure] are the answers. docs/opentelemetry.md
// tells users what becomes of which attribute.
//
// # What becomes of a span
//
// An OpenTelemetry trace becomes a trace whose id is its own in hexadecimal. Every span
// becomes one entity below it, with the id TRACE-SPAN: a generation, tool call, retrieval
// or span, as its attributes say. A span that Troupe exported says what it was, and is
// that again; so one that was a trace is the trace itself.
//
// # Order
//
// Spans come in any order, usually children first, and are cut into requests in any way,
// which may reach several collectors. So each span begins below its trace, and its line
// says which span its parent is. Folding finds the parent, whatever it became, once it has
// come: see [fold.Origin]. This package remembers nothing between two requests.
//
// # Numbers
//
// Lines are numbered lines of senders, so that what is sent again is known to be there. Each
// span is a sender of its own, with an id made of the ids of trace and span:
//
//   - from 2^20 on is what is said of it while it has no end, from 2^40 on what is said
//     when it has ended. A span that comes again with an end is a duplicate, whatever it
//     says;
//   - from 2^60 on are its events, by their places, so that those that came before the
//     end are not there twice.
//
// A trace has two senders. One has the line that begins it, which is the same in each
// request. The other has names, times, inputs and outputs, with higher numbers for those
// that count more: a span without a parent is before one whose parent is in another
// process, and among equals the one that began first.
//
// The package has no clock, no storage and no goroutines. Its functions may be called
// concurrently.
package otlp
