// Package troupeslog connects log/slog with the traces of agents. A [Handler] passes every record
// on to another handler and also adds it, as an event, to the trace, span or session of the
// record's context. Log lines then appear on the page of the trace, between the model calls.
//
//	slog.SetDefault(slog.New(troupeslog.New(slog.NewJSONHandler(os.Stderr, nil))))
//
//	ctx, trace := logger.StartTrace(logger.NewContext(ctx, log), logger.TraceConfig{Name: "question"})
//	slog.InfoContext(ctx, "cache missed", "key", key) // an event of the trace
//
// # Records and events
//
// The record's message becomes the event's name, its level the tag "level", and its attributes
// the metadata, with an object for each group. The next handler's Enabled decides which records
// there are. A record whose context carries no trace, span or session makes no event, so use the
// functions with a context, such as slog.InfoContext.
//
// # Limits
//
// The message and the attributes of an event have at most 16 KiB of text together, the message at
// most 4 KiB, and there are at most 128 attributes and groups. The rest is cut or dropped, and
// the tag "truncated" is then "true". The next handler always gets the whole record.
//
// Values have the form that slog.JSONHandler gives them, with two exceptions: durations are
// texts, and values that cannot be encoded are written with "%+v". A LogValuer is resolved once
// by each handler.
//
// # Logs of the logger
//
// Records that a logger.Logger writes to Config.Slog carry no trace, so they make no events. The
// same handler can serve there without a loop.
package troupeslog
