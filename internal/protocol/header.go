package protocol

// Headers of the log protocol. Their names are fixed: other clients and servers use them.
const (
	// HeaderKey carries the API key of a request.
	HeaderKey = "x-maxim-api-key"
	// HeaderRepository names the repository that the spans of an OTLP request go to.
	HeaderRepository = "x-maxim-repo-id"

	// HeaderProducer names the producer of the lines of a request, as 32 hexadecimal
	// digits, and HeaderSeq the number of the body's first line, counted from 1. A server
	// that knows them does not store a line again that it has already.
	HeaderProducer = "X-Troupe-Spool"
	HeaderSeq      = "X-Troupe-Seq"
	// HeaderOrder is in answers to log requests, with the value OrderSeq: the server keeps
	// the lines of a producer in the order of their numbers, so several requests may be
	// under way at once.
	HeaderOrder = "X-Troupe-Order"
	OrderSeq    = "seq"

	// HeaderBehind is "true" in an answer that does not yet show all lines that were
	// acknowledged before its request.
	HeaderBehind = "X-Troupe-Behind"
	// HeaderFragment is in requests of the pages' own scripts for a part of a page.
	HeaderFragment = "X-Troupe-Fragment"

	// HeaderTrace, HeaderSession and HeaderGeneration carry the ids of a trace and of its
	// session, and the name of a generation, from one service to the next. The names are in
	// the canonical form of net/http, so they can be keys of an http.Header.
	HeaderTrace      = "X-Maxim-Trace-Id"
	HeaderSession    = "X-Maxim-Session-Id"
	HeaderGeneration = "X-Maxim-Generation-Name"
)
