// Package collector receives log lines, stores them and answers questions about them. It
// speaks the Maxim log protocol, so that Maxim's SDKs for Python, JavaScript and Go work with
// it unchanged, as Troupe's own logger does. It also accepts OTLP traces. It needs no account
// and no other server: it stores everything in SQLite files in one folder.
//
// # In your program
//
// Start is all that a program or a test needs. It listens on a free port of 127.0.0.1:
//
//	server, err := collector.Start(collector.Config{})
//	if err != nil { … }
//	defer server.Close(context.Background())
//	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: server.URL()})
//
// # As a process
//
// The command troupe serve does this:
//
//	c, err := collector.New(collector.Config{Dir: "/var/lib/troupe", APIKey: key})
//	if err != nil { … }
//	defer func() { err = errors.Join(err, c.Close(context.Background())) }()
//	listener, err := net.Listen("tcp", "127.0.0.1:4180")
//	if err != nil { … }
//	err = c.Serve(ctx, listener)
//
// # In your HTTP server
//
// A [Collector] is an http.Handler. That server must then set time-outs and limits of
// connections, which Serve does otherwise. Below a path, set Config.PublicURL.
//
// # Guarantees
//
// An acknowledged line survives a crash of the process and the loss of power. A sender that
// numbers its lines (docs/internals/wire.md) may send them again after a failure without making
// duplicates. Malformed lines are reported one by one and do not affect their neighbours.
//
// Folding lines into traces happens after the answer and never delays it. Queries wait for
// it, up to 5 seconds, so that a reader sees everything acknowledged before the query. Programs
// that share a process with the collector can wait with [Collector.WaitIndexed] and
// [Collector.WaitSearchable].
//
// # Retention
//
// Config.KeepFor and Config.KeepBytes delete old data in the background, and
// [Collector.Prune] at once.
package collector
