// Package export writes traces and sessions for use elsewhere: as Markdown to give to a
// language model, as one HTML file to give to a person, as chats to tune a model with,
// and as OpenTelemetry spans.
//
// The formats for reading, [Markdown] and [HTML], let nothing that was logged act: it can
// neither leave its fence nor become markup, and characters that cannot be seen or change
// the direction of text are written as their numbers. Long base64 is left out of them,
// with its length in its place. The formats for programs, [Tuning] and [OTLP], have
// everything that they can express as it was logged.
//
// All functions write as they go, end with the error of the context between two nodes
// once that is done, and are safe for concurrent use. Other errors are those of the
// writer. They do not change what they are given.
package export
