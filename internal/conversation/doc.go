// Package conversation presents the messages of model calls, in the formats of many
// providers, as one conversation: the speakers, the tool calls with their arguments, and the
// result of each call.
//
// It supports the messages and answers of the OpenAI chat, completion and Responses
// APIs, of Anthropic, Gemini, Bedrock Converse, Ollama, Cohere, the AI SDK and LangChain,
// and the plain {"role","content"} that all of them resemble. It recognises a format by its
// members, not by the provider that a log names. Anything else becomes a part of kind Other
// with its JSON: no text of a message is ever left out.
//
// All functions are pure and safe for concurrent use, take time linear in the length of
// their input, and follow nested content maxDepth levels deep.
package conversation
