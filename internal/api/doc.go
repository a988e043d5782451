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
// exporters send OTLP (otlp.go), programs read JSON (read.go, search.go), and people sign in
// (signin.go) and see pages, which the Server only guards and passes on.
//
// A handler returns an error instead of answering with one. errors.go translates the plain
// errors of package service into statuses and messages; no other file does. No message quotes
// a payload, a key or a path.
//
// # Memory
//
// Bodies of log requests share a budget (budget.go). A body is compressed in memory until all
// of it has arrived, so a slow client holds only the bytes that it has sent.
package api
