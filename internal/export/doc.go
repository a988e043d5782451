// Package export writes traces and sessions for use elsewhere: as Markdown for a language
// model, as one HTML file for a person, as chats for tuning a model, and as OpenTelemetry
// spans.
//
// The formats for reading, [Markdown] and [HTML], render logged text harmless: it can neither
// leave its fence nor become markup, and characters that are invisible or change the
// direction of text are written as their code points. Long base64 is replaced by its length.
// The formats for programs, [Tuning] and [OTLP], keep values unchanged as far as the format
// can express them.
//
// All functions write incrementally and are safe for concurrent use. Once the context is
// done they stop before the next node and return its error. Other errors come from the
// writer. They do not modify their arguments.
package export
