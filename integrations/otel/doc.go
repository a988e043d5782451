// Package troupeotel connects Troupe and OpenTelemetry:
//
//   - NewProcessor makes a span processor that logs the spans of generative AI which any
//     instrumentation makes.
//   - NewExporter makes the backend of a destination that sends traces, as spans, to any service
//     that an exporter of OpenTelemetry reaches.
//   - Meter reports the counters of a logger to a meter provider.
//
// It is a separate module, so that the logger does not depend on OpenTelemetry.
package troupeotel
