// Package llm logs the calls of models that a program makes over HTTP, in one line:
//
//	client := &http.Client{Transport: llm.Transport(nil, llm.Options{})}
//
// or, for the SDKs whose middleware is a plain function (openai-go, anthropic-sdk-go):
//
//	client := openai.NewClient(option.WithMiddleware(llm.Middleware))
//
// A call becomes a generation in the span or trace that the context of its request
// carries, see logger.NewContext; without one it passes untouched.
//
// # What is recognised
//
// A POST whose path ends as below, whatever the host: the many servers that speak the
// protocol of OpenAI are logged alike. Those marked * need a JSON body that names a model,
// for other services have such paths too.
//
//	OpenAI     /chat/completions  /responses*  /completions*  /embeddings*
//	Anthropic  /v1/messages
//	Gemini     :generateContent  :streamGenerateContent
//	Ollama     /api/chat*  /api/generate*
//
// Logged are provider, model, messages, parameters and tools; the answer with its
// finish reason and its usage, in the form of a chat completion; errors with the type
// and the message that the provider gave; the status, the request's id, the number of
// attempts and, of a stream, the time to its first token (metric
// time_to_first_token_ms). Vectors of embeddings are counted, not kept.
//
// # What the call sees
//
// Nothing. Request and answer are the caller's: the request is sent as it is, with a
// context that marks it as logged; its body is read through GetBody, or, where there is
// none, as it is sent. Of the answer, Read and Close return what the body returned, at
// once: a copy of at most Options.MaxBytes is read along, a stream piece by piece. What was
// cut says so in the metadata capture. An answer that is compressed because the caller
// asked for that itself is opaque: only its status is logged. Nothing of the log waits for
// a network; see package logger for when a call of it waits at all. A panic in this
// package is contained and counted, see Panics.
//
// # How it ends
//
// Once, when the body was read to its end or was closed, or when the context of the
// request ended. An answer that had not come to its end by then is logged as far as it
// came, with the metadata ended: cancelled, timeout, broken or truncated, which are
// errors, or "closed early", which is the caller's choice.
//
// # Attempts
//
// SDKs that try again above the middleware say so in X-Stainless-Retry-Count: the attempts
// for the same parent, address and body are one generation, from the first to the last.
// The failure of an attempt is logged at once, as a result; if no other attempt comes while
// the SDK may still try, or the context of the request ends, it was the last. Without
// the header, one request is one generation, so below a transport that tries again by
// itself all attempts are.
package llm
