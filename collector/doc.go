// Package collector receives log lines, keeps them, and answers what they say. It
// speaks the Maxim log protocol, so that its SDKs for Python, JavaScript and Go
// and Troupe's own logger work with it unchanged, and needs no account and no
// other server: its storage is two SQLite files in a folder.
//
// Within another program, and in tests, Start is all it takes. A process of its own
// does what the command troupe serve does:
//
//	c, err := collector.New(collector.Config{Dir: "/var/lib/troupe", APIKey: key})
//	if err != nil { … }
//	defer func() { err = errors.Join(err, c.Close(context.Background())) }()
//	listener, err := net.Listen("tcp", "127.0.0.1:4180")
//	if err != nil { … }
//	err = c.Serve(ctx, listener)
//
// A [Collector] is also an http.Handler, for use inside another server. It then
// relies on that server for time-outs and limits of connections; Serve sets them.
//
// # What it promises
//
// A line that was acknowledged survives the crash of the process and the loss of
// power. A sender that numbers its lines (docs/internals/wire.md) may send them again after
// a failure without making duplicates. Malformed lines are told one by one, and do
// not harm their neighbours. Folding lines into traces happens behind the answer
// and never delays it; queries wait for it, up to 5 seconds, so that a reader sees
// what was acknowledged before it asked.
//
// All methods are safe for concurrent use.
package collector
