// Package troupegoopenai logs the calls that github.com/sashabaranov/go-openai makes, with
// one line:
//
//	client := openai.NewClientWithConfig(troupegoopenai.Log(openai.DefaultConfig(key), llm.Options{}))
//
// Chat completions, Responses, completions and embeddings become generations in the span
// or trace of the context that a call is given (logger.NewContext, logger.StartTrace);
// without one a call is not logged. Package llm documents the
// recorded fields; a call behaves as without it.
//
// Of a streamed chat completion the API tells the usage only where it is asked for, with
// StreamOptions.IncludeUsage; the package never changes a request.
package troupegoopenai
