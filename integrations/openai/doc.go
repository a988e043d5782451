// Package troupeopenai logs the calls that the official SDK of OpenAI makes,
// github.com/openai/openai-go/v3, with one option:
//
//	client := openai.NewClient(troupeopenai.Log(llm.Options{}))
//
// Chat completions, Responses, completions and embeddings become generations in the span
// or trace of the context that a call is given (logger.NewContext, logger.StartTrace);
// without one a call is not logged. The attempts that the SDK makes for a call are one
// generation. Package llm documents the recorded fields; a call behaves as without it.
//
// Of a streamed chat completion the API tells the usage only where it is asked for, with
// StreamOptions.IncludeUsage; the package never changes a request.
package troupeopenai
