// Package troupegenai logs the calls that Google's SDK for Gemini makes,
// google.golang.org/genai, with one line:
//
//	client, err := troupegenai.NewClient(ctx, &genai.ClientConfig{APIKey: key}, llm.Options{})
//
// GenerateContent and GenerateContentStream, of chats too, become generations in the span
// or trace of the context that a call is given (logger.NewContext, logger.StartTrace);
// without one a call is not logged. Package llm documents the
// recorded fields; a call behaves as without it. Live sessions, which are no HTTP calls, are not logged.
package troupegenai
