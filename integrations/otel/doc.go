// Package troupeotel joins Troupe and OpenTelemetry:
//
//   - Meter reports the account of a logger to a meter provider.
//   - Processor, a span processor, logs the spans of generative AI that any
//     instrumentation makes.
//   - Exporter, the transport of a sink, sends what is logged to any OTLP backend.
//
// It is a module of its own, so that the logger needs nothing of OpenTelemetry.
package troupeotel
