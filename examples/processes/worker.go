package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/troupelog/troupe/logger"
)

// workerArg is the first argument of a worker's process; its name and the collector's
// address follow.
const workerArg = "worker"

// work serves one tool under a name until in ends, and says on out where.
func work(ctx context.Context, name, url string, in io.Reader, out io.Writer) error {
	return withLogger(ctx, url, func(log *logger.Logger) error {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("starting the worker %s: %w", name, err)
		}
		// Middleware finds in the headers which trace a request is part of, and begins
		// a span in it.
		server := &http.Server{Handler: log.Middleware(handler(name)), ReadHeaderTimeout: runTime}
		go func() {
			_, _ = fmt.Fprintln(out, "http://"+listener.Addr().String()) // who started it notices
			_, _ = io.Copy(io.Discard, in)
			_ = server.Shutdown(ctx) // and Serve returns
		}()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// handler answers questions with a tool.
func handler(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		question, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
		if err != nil {
			http.Error(w, "the question is too long", http.StatusRequestEntityTooLarge)
			return
		}
		_, span := logger.StartSpan(r.Context(), logger.SpanConfig{Name: name + " at work", Tags: process()})
		defer span.End()
		tool := span.AddToolCall(logger.ToolCallConfig{Name: "measure", Args: map[string]string{"text": string(question)}})
		result := measure(name, string(question))
		tool.Result(result)
		_, _ = io.WriteString(w, result) // who asked may have gone
	})
	return mux
}

// measure is the tool of both workers.
func measure(name, text string) string {
	if name == "clock" {
		return "it is " + time.Now().UTC().Format(time.DateTime)
	}
	return fmt.Sprintf("the question has %d letters", len([]rune(text)))
}
