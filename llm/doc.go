// Package llm logs the model calls that a program makes over HTTP. It takes one line:
//
//	client := &http.Client{Transport: llm.Transport(nil, llm.Options{})}
//
// or, for SDKs whose middleware is a plain function (openai-go, anthropic-sdk-go):
//
//	client := openai.NewClient(option.WithMiddleware(llm.Middleware))
//
// A call becomes a generation in the span or trace that the context of its request
// carries, see logger.NewContext. A call without one passes through unlogged.
//
// # Recognised calls
//
// A call is recognised if it is a POST whose path ends as below, whatever the host, because
// many servers offer the API of OpenAI. Paths marked * also need a JSON body that names a
// model, because other services use such paths too.
//
//	OpenAI     /chat/completions  /responses*  /completions*  /embeddings*
//	Anthropic  /v1/messages
//	Gemini     :generateContent  :streamGenerateContent
//	Ollama     /api/chat*  /api/generate*
//
// The generation has the provider, model, messages, parameters and tools; the answer with its
// finish reason and usage, in the form of a chat completion; errors with the provider's
// type and message; and the status, the request id and the number of attempts. For a stream
// it also has the time to the first token (metric time_to_first_token_ms). Vectors of
// embeddings are counted, not kept.
//
// # Effect on the call
//
// None. The request is sent unchanged, except for a context that marks it as logged. Its body
// is read through GetBody or, if that is nil, while it is sent. Read and Close of the
// response body return at once the result of the original body; a copy of at most
// Options.MaxBytes is parsed alongside, a stream piece by piece. Anything cut is noted in
// the metadata capture. If the caller itself asked for compression, a compressed response is
// opaque: only its status is logged. Logging never waits for a network; package logger
// documents when its calls wait at all. A panic in this package is contained and counted,
// see Panics.
//
// # End of a call
//
// A call ends once: when its body has been read to the end or closed, or when the context of
// the request ends. A response that is incomplete by then is logged as far as it was
// received, with the metadata ended. Its values cancelled, timeout, broken and truncated
// are errors; "closed early" is the caller's choice.
//
// # Attempts
//
// SDKs that retry above the middleware count their retries in X-Stainless-Retry-Count. All
// attempts with the same parent, address and body are one generation, from the first to the
// last. The failure of an attempt is logged at once, as a result. The attempt was the last
// if no other arrives while the SDK may still retry, or if the context of the request ends.
// Without the header, each request is one generation. Below a transport that retries by
// itself, each attempt is therefore a separate generation.
package llm
