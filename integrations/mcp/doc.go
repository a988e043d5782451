// Package troupemcp logs the tool calls of the Model Context Protocol, for clients and
// servers built with github.com/modelcontextprotocol/go-sdk.
//
//	client.AddSendingMiddleware(troupemcp.Client())
//	server.AddReceivingMiddleware(troupemcp.Server(log))
//
// # Client
//
// A CallTool becomes a tool call in the span or trace of its context (logger.NewContext,
// logger.StartTrace, logger.StartSpan); without one nothing is logged. It is one tool
// call however often the SDK asks the server for it, as it does when a tool needs input
// of the user first.
//
// # Server
//
// A request for a tool becomes a span in the trace that the request names, or a trace of
// its own where it names none. The tool's handler runs with a context that is part of it:
// what the handler logs, and the model calls that it makes through package llm, are found
// there.
//
// # From one to the other
//
// The client writes traceparent, tracestate and baggage, as logger.Inject makes them,
// into the _meta of the request, under these names (the convention of the protocol for
// W3C Trace Context); the server reads them from there, or else from the headers of the
// HTTP request, with logger.Extract. The members troupe-session, troupe-trace and
// troupe-span of the baggage carry the ids as they are. Existing members of _meta stay,
// and the caller's parameters are never changed.
//
// Whoever can call a tool can so write to any trace whose id is known. A server for the
// public removes baggage from _meta and from the headers before this middleware sees it.
//
// # Outcomes
//
// A result with isError is logged as the error that it is, with the text of its content;
// a protocol error with its JSON-RPC code. All other methods, and notifications, pass as
// they are, and the results and errors of tools reach the caller unchanged.
package troupemcp
