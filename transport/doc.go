// Package transport delivers batches of log lines, and files that belong to them, to a
// server that speaks the Maxim log protocol, over HTTP.
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
//	PartlyRefused  all is delivered but the lines in Error.Refused
//
// A 2xx is a delivery only where its body is a JSON object that reports no error, and
// where the counts in it, if it has any, add up to the lines of the batch. See [Classify]
// and [HTTP.Send].
//
// Bodies are compressed once the server has said that it takes that; a compressed body
// that is refused is sent as it is before the refusal counts. Limits and errors are in
// plain bytes. See [HTTP.Send].
//
// Upload stores a file: it asks the server for a signed URL and PUTs the content there,
// with a new URL and a new reader at each attempt and never the whole content in memory.
// Its errors have the same kinds, for the file as for a batch; two need more than that:
//
//	ErrStorageRefused  Retry: the URL may have expired, give up after some attempts
//	ErrNoContent       Rejected: there is nothing to upload, or not what was announced
//
// The decisions are pure functions: [Classify] of an answer, [RetryAfter] of its
// headers, [Backoff] of an attempt number.
//
// What the package guarantees about secrets: the API key is sent to the configured
// origin only, redirects are never followed, a proxy sees it only inside TLS, and no
// error holds the key, a query value, user information, or what a server quoted of
// the batch.
//
// An upload URL comes from outside, and a bad one could make this machine attack its
// own network. So it must be https and lead to a public address, which is checked when
// the connection is made, after the name was resolved; the request carries no key and
// no cookies, passes no proxy and no RoundTripper of the user's, and follows no
// redirect. Everything else is refused with ErrUnsafeURL. There are two exceptions: the
// origin of the base URL itself is trusted and gets the same connections as Send (so
// that a server in a private network can store files), and a server on a loopback host
// may name any https URL, and http ones on loopback hosts.
//
// An [HTTP] may be used concurrently. Close releases its idle connections.
package transport
