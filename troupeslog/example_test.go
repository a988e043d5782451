package troupeslog_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/troupeslog"
)

// Records still reach the next handler; records of a trace are events of the trace as well.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	log, err := logger.New(logger.Config{ID: "my-agents", BaseURL: server.URL, Durability: logger.MemoryOnly})
	if err != nil {
		fmt.Println(err)
		return
	}
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	text := slog.New(troupeslog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime})))

	ctx, trace := logger.StartTrace(logger.NewContext(context.Background(), log), logger.TraceConfig{Name: "question"})
	text.InfoContext(ctx, "cache missed", "key", "q42") // an event of the trace
	trace.End()
	text.InfoContext(context.Background(), "of no trace")
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(log.Stats())
	// Output:
	// level=INFO msg="cache missed" key=q42
	// level=INFO msg="of no trace"
	// accepted=3 delivered=3 pending=0 dead=0 dropped=0
}

// Attributes of a group become an object in the metadata of the event.
func ExampleNew() {
	log := slog.New(troupeslog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	log.WithGroup("cache").With("hits", 7).Info("cache statistics", "misses", 2)
	// Output: level=INFO msg="cache statistics" cache.hits=7 cache.misses=2
}
