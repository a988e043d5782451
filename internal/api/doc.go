// Package api serves a collector over HTTP.
//
// A request passes these stations:
//
//	Serve (limits of the connection, Host header)
//	→ ServeHTTP (address behind proxies, path below the public URL)
//	→ CrossOriginProtection → routes (API key or sign-in cookie)
//	→ handler → package service → answer
//
// Handlers come in four groups: SDKs log lines and upload files (ingest.go, upload.go, sdk.go),
// exporters send OTLP (otlp.go), programs read JSON (read.go, lists.go, search.go), and people
// sign in (signin.go) and see pages, which the Server only guards and passes on.
//
// A handler returns an error instead of answering with one. errors.go translates the plain
// errors of package service into statuses and messages; no other file does. No message quotes
// a payload, a key or a path.
//
// # Storing
//
// A log request is answered 200 only when its lines survive the loss of power. Every other
// status means that the sender must keep them: 4xx because the request itself is wrong, 5xx
// because the collector cannot store now. Bodies are read whole before anything is stored, so
// a connection that breaks midway stores nothing. An OTLP request may be stored in part when it
// fails; its lines are numbered in a way that makes repeating it store the rest only.
//
// # Access
//
// With an API key, programs send it in a header, and browsers get a cookie by signing in. The
// cookie opens pages only: programs cannot be tricked into sending one, so endpoints for them
// accept the key alone. Upload URLs carry a signature instead of a key. Wrong keys are slowed
// down (guesses.go), but the right key is never refused, however many wrong ones arrive.
//
// # Proxies
//
// Behind a proxy, a request names neither its client nor the address that the client used.
// proxies.go finds both out, from Config.PublicURL and the headers of trusted proxies, and puts
// the address into the context of the request (package address).
//
// # Memory
//
// Bodies of log requests share a budget (budget.go). A body is compressed in memory until all
// of it has arrived, so a slow client holds only the bytes that it has sent. A request that
// does not fit is answered 503 at once instead of waiting for others.
package api
