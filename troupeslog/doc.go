// Package troupeslog puts what a program logs with log/slog beside what its agents do:
// a Handler passes every record on and adds those whose context is part of a trace, a
// span or a session to that, as an event.
//
//	slog.SetDefault(slog.New(troupeslog.New(slog.NewJSONHandler(os.Stderr, nil))))
//
//	ctx, trace := logger.StartTrace(logger.NewContext(ctx, log), logger.TraceConfig{Name: "question"})
//	slog.InfoContext(ctx, "cache missed", "key", key) // an event of the trace
//
// The event's name is the message, its tag level the level, and its metadata the
// attributes: those of a group are an object within. Which records there are is up to the
// next handler's Enabled.
//
// An event stays small. Its message and attributes have at most 16 KiB of text, 4 KiB of
// them the message, and 128 attributes and groups; what is more is cut off or left out,
// and then the tag truncated is true. Values are formed as slog.JSONHandler forms them,
// but durations, which are texts, and values that cannot be encoded, which are their
// "%+v". A LogValuer is resolved once for each handler.
//
// What a logger.Logger says by Config.Slog belongs to no context, so that the same handler
// can be there: it makes no events of it.
package troupeslog
