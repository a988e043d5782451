// Package troupelangchain logs what programs do with github.com/tmc/langchaingo: it wraps
// their models, tools and retrievers, each in one line.
//
//	model := troupelangchain.Model(openAI, troupelangchain.Options{Model: "gpt-4o"})
//	tools := []tools.Tool{troupelangchain.Tool(search)}
//	retriever := troupelangchain.Retriever(vectorstores.ToRetriever(store, 5))
//
// What is wrapped is used as before, by chains and agents too. A call becomes a
// generation, tool call or retrieval in the span or trace of its context
// (logger.NewContext, logger.StartTrace); without one it is passed on and not logged. What
// a tool or a retriever logs itself, with its context, is part of the same span.
//
// # Why no callbacks
//
// The callbacks of langchaingo name neither the call nor the tool, and cannot hand on a
// context: of two calls at the same time it cannot be told which one ended. What is wrapped
// knows.
//
// # Models
//
// Logged are messages, options and tools; the answer with its tool calls and reasoning;
// usage as far as the provider's package passes it on; errors; of a stream (WithStreamingFunc)
// the time to its first chunk, in milliseconds, as the metric time_to_first_token_ms, and, if
// it fails, what came before, as the metadata answer_so_far. Langchaingo does not say which
// model answers unless a call asks for one by name: Options.Model is for that.
//
// The context that a model runs with has no trace, so that llm.Transport in its HTTP client
// does not log the same call again.
package troupelangchain
