// Package logger logs the work of AI agents: sessions, traces, spans, generations,
// retrievals, tool calls, errors, events, feedback, tags, metadata and attachments. It
// writes the Maxim log protocol, to Maxim or to Troupe's own collector.
//
// # Logging
//
//	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: "http://127.0.0.1:7780"})
//	if err != nil {
//		return err
//	}
//	defer func() {
//		if err := log.Close(ctx); err != nil {
//			fmt.Fprintln(os.Stderr, err) // how many entries are not delivered, and where they are kept
//		}
//	}()
//
//	trace := log.Trace(logger.TraceConfig{Name: "question", Input: "Explain the word troupe."})
//	gen := trace.AddGeneration(logger.GenerationConfig{
//		Model: "gpt-4o", Provider: "openai",
//		Messages: []logger.Message{{Role: "user", Content: "Explain the word troupe."}},
//	})
//	gen.Result(response)
//	trace.SetOutput("A company of players.")
//	trace.End()
//
// Package llm does the part of the generation by itself, for every model call that an HTTP
// client makes.
//
// # Handles
//
// A call that begins an entity returns its handle: a Session, Trace, Span, Generation,
// Retrieval, ToolCall or LoggedError. Handles are small values: copy them, keep them in
// structs, compare them with their zero value. A zero handle does nothing, so code that was
// given none needs no check.
//
// Code that has only the id of an entity, such as another goroutine or process, gets a handle
// from Logger.TraceByID, SessionByID, SpanByID, GenerationByID, RetrievalByID or
// ToolCallByID. The calls by id that users of other SDKs know, such as Logger.TraceAddTag,
// do both in one step.
//
// # Contexts
//
// NewContext puts a handle into a context, StartTrace and StartSpan begin an entity below the
// one in the context, and FromContext returns the place in the log where new work belongs.
// Package llm and the integrations log there. Inject, Extract and Logger.Middleware carry that
// place across processes in HTTP headers.
//
// # Ids
//
// Ids are optional, and any text is one. Ids of 1 to 1,024 of A-Z a-z 0-9 _ - are sent as they
// are. In place of any other id, such as user/42@acme:thread, lines carry a safe id that is
// derived from it (user-42-acme-thread-xli3gwqgldgarhlc) and is the same in every process; the
// line that begins the entity has the given id as the tag troupe.id. Handles return the id as
// it was given, and calls by id and Troupe's collector accept either. Such calls are counted in
// Stats.Derived, and OnError gets an ErrInvalidID at most once a minute. Config.Mask masks the
// tag, but not the letters and digits in a safe id: do not use a secret as an id.
//
// # Errors
//
// Logging calls return no error. They do no I/O: they encode their values, reserve memory for
// the entry and hand it to an actor. (AddAttachment, which copies the content to the spool, is
// the exception.) Rejected calls are counted in Stats and reported to Config.OnError as an
// *Error; other entries are not affected. A call blocks only while MaxBytes wait for the disk
// or, with MemoryOnly, for the server, and for MaxWait at most.
//
// # Order and delivery
//
// The entries of a session, and of a trace without a session, arrive in the order of the calls,
// at least once; the line of an attachment arrives once its content is stored. Calls by id join
// that order while this process knows the id: from the creation of the entity until some
// seconds after its trace has ended.
//
// Entries are written to disk some milliseconds after the call (Config.SpoolDir) and stay there
// until the server has acknowledged them. A kill -9 loses the entries of the last 20 ms; the
// next process with the same folder delivers the rest. Sync waits until everything accepted
// before it is synced to disk. Flush waits until the server has answered for it; entries that
// the server refuses for good are kept as dead letters, see Stats.Dead and the command troupe
// spool dead. Close does as much of both as its context allows, and stops the logger.
//
// # Open entities
//
// Entities that this process began and did not end are ended for it, deepest first, with the
// metadata ended_by: on Close, after Config.AutoEndAfter without a call, and by a deferred
// EndOnPanic. HandOver exempts an entity that another process continues.
//
// # Destinations
//
// New is given the primary destination. Logger.AddDestination adds others, which get a copy of
// every entry: another server, or any transport.Backend. Each has its own spool, sender and
// counters, so that a slow one delays nobody.
//
// # Concurrency
//
// All methods of a Logger and of handles may be called concurrently; an Evaluation belongs to
// one goroutine. Every function accepts a nil context, which means context.Background.
//
// Values, maps and slices are read during the call and never afterwards. Nobody may change them
// until the call returns: Go ends a program in which a map is read and written at the same
// time, and no package can recover from that. Log a copy of a map that others write to.
package logger
