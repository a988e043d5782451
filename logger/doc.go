// Package logger logs what AI agents do: sessions, traces, spans, generations,
// retrievals, tool calls, errors, events, feedback, tags, metadata and attachments.
// It writes the Maxim log protocol, to Maxim or to Troupe's own collector.
//
// # Use
//
//	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: "http://127.0.0.1:7780"})
//	if err != nil {
//		return err
//	}
//	defer log.Close(ctx)
//
//	trace := log.Trace(logger.TraceConfig{Name: "question", Input: "What is a troupe?"})
//	gen := trace.AddGeneration(logger.GenerationConfig{
//		Model: "gpt-4o", Provider: "openai",
//		Messages: []logger.Message{{Role: "user", Content: "What is a troupe?"}},
//	})
//	gen.Result(response)
//	trace.SetOutput("A company of players.")
//	trace.End()
//
// # Handles and ids
//
// What begins an entity returns its handle. Every call of a handle also exists on the
// Logger, by the entity's id, for code that has only the id: another goroutine, or
// another process. Ids are optional; given ones are one or more of A-Z a-z 0-9 _ -
// (only the id of an event may be anything).
//
// # Calls return nothing
//
// A call encodes its values, accounts for the entry and hands it to an actor: it does
// no I/O (but AddAttachment looks into the file), and later changes of the values by the caller change nothing. What cannot
// be accepted is counted (Stats) and told to Config.OnError as an *Error; the other
// entries are not affected. A nil or zero handle does nothing. Only when MaxBytes are
// undelivered does a call wait, for at most MaxWait.
//
// # Order and delivery
//
// The entries of a session, and of a trace without session, arrive in the order of
// the calls, at least once. A call by id joins that order as long as this process
// knows the id: from its creation until some seconds after its trace has ended.
// Flush waits until the server has answered for everything accepted before it (what
// it refused for good is in Stats.Dead); Close flushes and stops. Until then entries
// are in memory.
//
// # Entities that nobody ends
//
// On Close, after Config.OrphanAfter without a call, and in a deferred EndOnPanic,
// what this process began and did not end is ended, deepest first, with the metadata
// ended_by. HandOver exempts an entity that another process goes on with.
//
// # Concurrency
//
// All methods of a Logger and of handles may be called concurrently; an Evaluation
// belongs to one goroutine.
package logger
