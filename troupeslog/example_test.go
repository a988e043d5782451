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

// Records go where they went before, and those of a trace to the trace as well.
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
	own := slog.New(troupeslog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime})))

	ctx, trace := logger.StartTrace(logger.NewContext(context.Background(), log), logger.TraceConfig{Name: "question"})
	own.InfoContext(ctx, "cache missed", "key", "q42") // an event of the trace
	trace.End()
	own.InfoContext(context.Background(), "of no trace")
	if err := log.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(log.Stats())
	// Output:
	// level=INFO msg="cache missed" key=q42
	// level=INFO msg="of no trace"
	// accepted=3 delivered=3 pending=0 dead=0 dropped=0
}
