// Package formattest records how every part of Troupe reads the formats of model
// providers. It has tests only.
//
// testdata/samples holds one exchange with a provider per file: the request, then the
// response, whole or streamed. testdata/golden holds, under the same name, the text, tool
// calls, finish reason, usage, model and failure that each reader takes from it:
//
//	logged      lines that llm.Transport logs for the exchange
//	cut         a digest of these lines if the body ends at any byte
//	result      lines that Generation.Result logs for the body alone
//	fold        the entity that the collector makes of these lines
//	chat        the conversation in it
//	tuning      the line of a tuning export
//	spans       the OTLP export, and the lines of an import of that export
//	replay      lines that a replay of the conversation logs
//
// Sections named raw begin with a client that logs the JSON of the provider, as other SDKs
// of the protocol do.
//
// Run the tests with -update to write the golden files again. A difference is a change
// of behaviour, and needs a line in the change log.
package formattest
