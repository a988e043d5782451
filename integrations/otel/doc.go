// Package troupeotel joins Troupe and OpenTelemetry:
//
//   - NewProcessor makes a span processor that logs the spans of generative AI which any
//     instrumentation makes.
//   - NewExporter makes a destination of a logger that sends what is logged, as spans, to
//     any backend that an exporter of OpenTelemetry reaches.
//   - Meter reports the account of a logger to a meter provider.
//
// It is a module of its own, so that the logger needs nothing of OpenTelemetry.
package troupeotel
