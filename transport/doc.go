// Package transport delivers batches of log lines to a server that speaks the
// Maxim log protocol, over HTTP.
//
//	h, err := transport.New(transport.Config{
//		BaseURL:      "https://logs.example.com",
//		RepositoryID: "repository",
//		APIKey:       key,
//	})
//	…
//	err = h.Send(ctx, transport.Batch{Body: lines, Lines: n})
//
// One call of Send is one attempt: at most three requests within 30 seconds, so that
// a short failure passes unnoticed. Whatever outlives that is the caller's to wait
// for, and the answer says how. A failure is always an [*Error], and its Kind is what
// the caller must do:
//
//	Retry          send the same batch again after Backoff; never give up
//	Throttled      the same, after the time the server asked for
//	TooLarge       send fewer lines at once
//	Rejected       split the batch until the line to blame stands alone
//	Misconfigured  keep everything and wait for a person, Pause apart
//	Canceled       the caller's own context ended
//
// The decisions are pure functions: [Classify] of an answer, [RetryAfter] of its
// headers, [Backoff] of an attempt number.
//
// What the package guarantees about secrets: the API key is sent to the configured
// origin only, redirects are never followed, a proxy sees it only inside TLS, and no
// error holds the key, a query value, user information, or what a server quoted of
// the batch.
//
// An [HTTP] may be used concurrently. Close releases its idle connections.
package transport
