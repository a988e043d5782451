// Package completion brings the answers of model providers into one form, the
// chat completion of OpenAI, and reads from them what the logger counts.
//
// [Normalize] tells a provider by the shape of the JSON alone, so it serves the
// body of an HTTP answer and the encoded response type of an SDK alike:
//
//	form                         told by                             goes out
//	OpenAI chat completion       object, or an array of choices      as given
//	OpenAI text completion       object                              as given
//	OpenAI Responses             object                              as given
//	error body of any provider   a non-empty error                   as given
//	Anthropic message            type, role, model, content          as a chat completion
//	Gemini generateContent       candidates, or a blocked prompt     as a chat completion
//	Bedrock Converse             output's message, stopReason        as a chat completion
//	anything else                                                    as given
//
// What goes out as given is the caller's slice, byte for byte; a chat completion
// is neither checked nor completed. A part of an answer that has no place in a
// chat completion stays in the content as given, see [Normalize].
//
// The package keeps no state; its functions are safe for concurrent use.
package genai
