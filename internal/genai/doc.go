// Package genai reads and writes the formats of model providers. Client and collector
// import it and read no format themselves. It is pure: no clock but for the time of a
// result without one, no I/O, no goroutines. Its functions are safe for concurrent use.
//
// # The life of a call
//
// [RouteOf] finds the [API] of a request by its path, and [ReadRequest] reads the body.
// [NewEvents] or [NewValues] cut the response into values, and an [Assembler] puts them
// together as far as they came. [Normalize] recognises the form of a whole result by its
// shape alone, so it serves the body of an HTTP response and the encoded response type of
// an SDK alike, and brings it into the form in which it is logged:
//
//	form                       recognised by                       logged
//	OpenAI chat completion     object, or an array of choices      as given
//	OpenAI text completion     object                              as given
//	OpenAI Responses           object                              as given
//	error of any provider      a non-empty error                   as given
//	Anthropic message          type, role, model, content          as a chat completion
//	Gemini generateContent     candidates, or a blocked prompt     as a chat completion
//	Bedrock Converse           message in output, stopReason       as a chat completion
//	anything else                                                  as given
//
// A result that is logged as given is the caller's slice, byte for byte: readers run when
// it is shown, priced or exported. [ReadMessages] and [ReadChoices] read requests and
// results of any form, including forms that other clients log, as messages of [Part]s.
// [ReadUsage] is the only reader of usage, and [EncodeUsage] the only writer.
//
// # Where do I add a provider?
//
// In one file here, named for it, with its reader of results and its assembler; then in
// the tables that name them: routes (api.go), contentMembers (request.go), Normalize and
// NewAssembler. New names of counts go into ReadUsage, new kinds of parts into the tables
// of parts.go. A sample of each exchange goes into internal/formattest.
//
// # Limits
//
// Assemblers keep at most [Budget].Left bytes of text and 1,024 pieces of each kind.
// Messages nested deeper than 8 levels are kept as JSON. Texts of errors are cut to 2 KiB.
package genai
