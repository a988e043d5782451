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
//	defer func() {
//		if err := log.Close(ctx); err != nil {
//			fmt.Fprintln(os.Stderr, err) // says how many entries are not delivered, and where they are kept
//		}
//	}()
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
// another process.
//
// Ids are optional, and any text is one. Those of 1 to 1,024 of A-Z a-z 0-9 _ - are sent
// as they are. In the place of any other, such as user/42@acme:thread, lines carry a safe
// id that follows from it (user-42-acme-thread-xli3gwqgldgarhlc), equal in every process,
// and the line that begins the entity has the given id as the tag troupe.id. Handles
// return the id as it was given; calls by id and Troupe's collector take either. Such
// calls are counted in Stats.Derived, and OnError gets an ErrInvalidID at most once a
// minute. Config.Mask masks the tag, but not the letters and digits in a safe id: do not
// use a secret as an id.
//
// # Calls return nothing
//
// A call encodes its values, accounts for the entry and hands it to an actor: it does
// no I/O (but AddAttachment copies the content to the spool), and later changes of the
// values by the caller change nothing. What cannot be accepted is counted (Stats) and
// told to Config.OnError as an *Error; the other entries are not affected. A nil or zero
// handle does nothing. Only when MaxBytes wait for the disk, or, with Memory, for the
// server, does a call wait, for at most MaxWait.
//
// # Order and delivery
//
// The entries of a session, and of a trace without session, arrive in the order of
// the calls, at least once; the line of an attachment arrives when its content is
// stored. A call by id joins that order as long as this process knows the id: from its
// creation until some seconds after its trace has ended.
//
// Entries go to disk some milliseconds after the call (Config.SpoolDir) and stay there
// until the server has them: kill -9 costs what was accepted in the last 20 ms, and the
// next process with the same folder delivers the rest. Sync waits until everything
// accepted before it is synced to disk; Flush until the server has answered for it
// (what it refused for good is kept as dead letters, see Stats.Dead and the command
// troupe spool dead); Close does what it can of both and stops.
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
// belongs to one goroutine. A nil context is context.Background, in every function.
//
// Values, maps and slices are read during the call, and never afterwards. Until the call
// returns nobody may change them: Go ends a program in which a map is read and written at
// the same time, and no package can catch that. Log a copy of a map that others write to.
package logger
