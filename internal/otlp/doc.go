// Package otlp turns OpenTelemetry traces into log lines, so that applications instrumented
// with OpenTelemetry appear among all others. [Convert] reads the body of an OTLP/HTTP export
// request, in protobuf or JSON; [Success] and [Failure] build the responses.
// docs/opentelemetry.md documents the mapping of attributes for users.
//
// # Mapping of spans
//
// An OpenTelemetry trace becomes a trace with the same id, in hexadecimal. Every span
// becomes one entity below it, with the id TRACE-SPAN: a generation, tool call, retrieval
// or span, depending on its attributes. A span that Troupe exported names its original kind
// and becomes that again; if it was a trace, it becomes the trace itself.
//
// # Order
//
// Spans arrive in any order, usually children first. They may be split over any number of
// requests, which may reach different collectors. So each span begins below its trace, and
// its line names its parent span. The fold finds the parent, whatever its kind, once it has
// arrived: see [fold.Origin]. This package keeps no state between two requests.
//
// # Numbers
//
// Lines are numbered per sender, so that lines sent again are recognised. Each span is a
// separate sender, whose id is derived from the trace and span ids:
//
//   - from 2^20 on are the lines about a span without an end, from 2^40 on the lines about
//     a span that has ended. A span sent again with an end is a duplicate, whatever its
//     content;
//   - from 2^60 on are its events, by position, so that events sent before the end are not
//     stored twice.
//
// A trace has two senders. One has the line that begins the trace, which is the same in each
// request. The other has names, times, inputs and outputs; higher numbers take precedence.
// A span without a parent precedes one whose parent is in another process, and among
// equals the one that began first wins.
//
// The package has no clock, no storage and no goroutines. Its functions are safe for
// concurrent use.
package otlp
