// Package transport delivers batches of log lines, and the files that belong to them, over
// HTTP to a server that speaks the Maxim log protocol.
//
//	h, err := transport.New(transport.Config{
//		BaseURL:      "https://logs.example.com",
//		RepositoryID: "repository",
//		APIKey:       key,
//	})
//	…
//	err = h.Send(ctx, transport.Batch{Body: lines, Lines: n})
//
// An [HTTP] is one [Backend]: whoever delivers entries elsewhere implements that interface.
//
// # Attempts and errors
//
// One call of Send is one attempt: at most three requests within 30 seconds, so that a short
// failure passes unnoticed. If it fails for longer, the caller waits and calls again. A failure is
// always an [*Error], whose Kind says how to go on:
//
//	Retry          send the same batch again after Backoff, for ever
//	Throttled      the same, after the time for which the server asked
//	TooLarge       send fewer lines at once
//	Rejected       split the batch until the line to blame is alone
//	Misconfigured  keep everything until a person has fixed it; try again after Pause
//	Canceled       the caller's context ended
//	PartlyRefused  everything is delivered except the lines in Error.Refused
//
// A 2xx is a delivery only if its body is a JSON object that reports no error, and if the counts
// in it, if there are any, add up to the lines of the batch. See [Classify] and [HTTP.Send].
//
// # Compression
//
// Bodies are compressed once the server has announced that it accepts that. A compressed body that
// is refused is sent once more uncompressed, and only the second answer counts. Limits, and sizes in
// errors, are in bytes before compression.
//
// # Uploads
//
// Upload stores a file: it asks the server for a signed URL and PUTs the content there. Each
// attempt has a new URL and a new reader; the whole content is never in memory. The kinds of errors
// are the same, for the file instead of the batch. Two reasons need special care:
//
//	ErrStorageRefused  Retry: the URL may have expired; stop after some attempts
//	ErrNoContent       Rejected: the content is missing, or differs from its announced size
//
// # Decisions
//
// The decisions are pure functions: [Classify] of an answer, [RetryAfter] of its headers,
// [Backoff] of an attempt number.
//
// # Secrets
//
// The API key is sent to the configured origin only. Redirects are never followed. A proxy sees
// the key only inside TLS. No error contains the key, a query value, user information, or a part
// of the batch that the server quoted.
//
// # Upload URLs
//
// An upload URL comes from outside, and a malicious one could make this machine attack its own
// network. It must therefore be https and lead to a public address, which is checked when the
// connection is made, after the name was resolved. The request carries no key and no cookies,
// uses neither a proxy nor the user's RoundTripper, and follows no redirect. All other URLs are
// refused with [ErrUnsafeURL]. There are two exceptions: the origin of the base URL is trusted and
// uses the connections of Send, so that a server in a private network can store files; and a
// server on a loopback host may name any https URL, and http URLs on loopback hosts.
package transport
