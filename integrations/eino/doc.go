// Package troupeeino logs what the components and graphs of github.com/cloudwego/eino do,
// as a handler of its callbacks.
//
//	h := troupeeino.New(log)
//	callbacks.AppendGlobalHandlers(h)                             // for all, at the start of the program, or
//	runnable.Invoke(ctx, input, compose.WithCallbacks(h)) // for one run
//
// # What becomes what
//
//	ChatModel   a generation: messages, tools, model, parameters; answer, finish reason, usage
//	Tool        a tool call: arguments and result, the model's id of it as the tag tool_call_id
//	Retriever   a retrieval: query and documents
//	all else    a span: graphs, chains, workflows, lambdas, tool nodes, templates, embedders, …
//
// Each is part of the one around it, and the outermost of the span or trace that its
// context carries (logger.NewContext, logger.StartTrace). Where there is none, the
// outermost run becomes a trace of its own, with the logger of the context, or else the
// one that New was given, so that a graph is one trace however many nodes it has. What a
// component logs itself with its context, say in a tool, is part of its span or, for
// tools, models and retrievals, of what is around these.
//
// A graph that interrupts itself has not failed: its spans get the metadata interrupted.
//
// # Model calls are logged once
//
// The context that a ChatModel runs with has no trace, so that what is below it, such as
// llm.Transport in the HTTP client of a model, does not log the same call again.
//
// # Streams
//
// The handler reads its own copies of streams to their ends, each on a goroutine of its
// own, closes them, and logs what came, put together as eino does it; of a model's, also
// the time to its first chunk, in milliseconds, as the metric time_to_first_token_ms. An
// entity ends when its stream does, and what is around it not before. Two things follow
// from the copies of eino. A reader that closes its copy early does not end the
// source: it goes on until it is through, or the context of the call ends. And what the
// last reader has seen may be logged a moment later: Wait before the logger is closed.
//
// A stream that fails in the middle is an error; what came before that is in the metadata
// answer_so_far.
package troupeeino
