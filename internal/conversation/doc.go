// Package conversation reads the messages of model calls, in whatever form providers have them,
// as one conversation: who said what, which tools were called with which arguments, and
// what each call came back with.
//
// It knows the messages and answers of the OpenAI chat, completion and Responses
// interfaces, of Anthropic, Gemini, Bedrock Converse, Ollama, Cohere, the AI SDK and
// LangChain, and the plain {"role","content"} that all of them resemble, by their members
// and not by the provider that a log names. What it does not know is kept as a part of
// kind Other with its JSON: no text of a message is ever left out.
//
// All functions are pure and safe for concurrent use, take time linear in the length of
// what they are given, and follow nested content maxDepth levels deep.
package conversation
