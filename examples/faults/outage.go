package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

// turns is the number of turns of a conversation logged while the server fails.
const turns = 100

// outage logs while the server fails, repairs it, and asks it for its content.
func outage(ctx context.Context, out io.Writer, url string, server *faulty) (err error) {
	_, _ = fmt.Fprintln(out, "A SERVER THAT FAILS")
	server.fail()
	var told record
	log, err := logger.New(logger.Config{
		ID: "outage", BaseURL: url, Durability: logger.MemoryOnly, FlushInterval: 50 * time.Millisecond, OnError: told.add, Slog: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()
	health(out, "before", log)

	session := log.Session(logger.SessionConfig{Name: "conversation"})
	for i := range turns {
		trace := session.AddTrace(logger.TraceConfig{Name: fmt.Sprint("turn ", i)})
		trace.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai"}).
			Fail(logger.Failure{Message: "the provider is overloaded", Code: "529"})
		trace.End()
	}
	session.End()

	// The program has long gone on when the first attempts fail.
	if err := told.wait(ctx, logger.ErrDelivery, 2); err != nil {
		return err
	}
	for _, err := range told.all() {
		_, _ = fmt.Fprintln(out, "OnError:", err)
	}
	health(out, "meanwhile", log)
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, _ = fmt.Fprintln(out, "Flush, with little time:", log.Flush(short))

	server.repair()
	if err := log.Flush(ctx); err != nil {
		return err
	}
	health(out, "after the repair", log)
	return compare(ctx, out, url, log.Stats(), server)
}

func health(out io.Writer, when string, log *logger.Logger) {
	h := log.Health()
	_, _ = fmt.Fprintf(out, "health %s: ok=%t pending=%d delivery error: %v\n", when, h.OK, h.Pending, h.Delivery)
}

// compare prints the server's counts beside the logger's.
func compare(ctx context.Context, out io.Writer, url string, s logger.Stats, server *faulty) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/repositories/outage/stats", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answered %s", resp.Status)
	}
	var has collector.Stats
	if err := json.NewDecoder(resp.Body).Decode(&has); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "the server refused %d requests, reset %d and lost the answer of %d; it has %d lines\n%v\n",
		server.refused.Load(), server.reset.Load(), server.lost.Load(), has.Lines, s)
	if int64(has.Lines) != s.Accepted {
		return errors.New("the server has not exactly what the logger accepted")
	}
	return nil
}

// wait waits until a number of errors with a reason were reported, or ctx ends.
func (r *record) wait(ctx context.Context, reason error, n int) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for r.count(reason) < n {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting to be told %d times of %w: %w", n, reason, ctx.Err())
		}
	}
	return nil
}
