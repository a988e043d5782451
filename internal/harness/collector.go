package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

const (
	linesPerTurn    = 9
	turnsPerPost    = 200 // about 1,800 lines, as the logger's own batches
	collectorAsks   = 200 // questions of each kind
	collectorClient = 4   // connections
)

// collectorLoad fills a collector over HTTP with agent turns and asks it questions while
// it holds them. Collector and clients share this process and its cores.
func collectorLoad(fs *flag.FlagSet) func(*trial) error {
	n := fs.Int("n", 1_000_000, "how many `lines` are stored")
	return func(t *trial) error {
		c, err := collector.Start(collector.Config{Dir: filepath.Join(t.dir, "collector")})
		if err != nil {
			return err
		}
		l := &load{trial: t, server: c}
		return errors.Join(l.run(*n/linesPerTurn), c.Close(t.ctx))
	}
}

// load is one run of collectorLoad.
type load struct {
	*trial
	server *collector.Server
	turns  atomic.Int64 // posted by post, the first is 1
}

func (l *load) run(turns int) error {
	burst := min(turns, 50_000)
	start := time.Now()
	if err := l.post(burst); err != nil {
		return err
	}
	l.fastEnough("burst_lines_per_s", rate(burst, time.Since(start)), 100_000)
	if err := l.server.Settle(l.ctx); err != nil {
		return err
	}

	start = time.Now()
	if err := l.logTurns(burst); err != nil {
		return err
	}
	l.fastEnough("with_client_lines_per_s", rate(burst, time.Since(start)), 50_000)
	if err := l.server.Settle(l.ctx); err != nil {
		return err
	}

	rest := max(turns-2*burst, burst)
	start = time.Now()
	if err := l.post(rest); err != nil {
		return err
	}
	if err := l.server.Settle(l.ctx); err != nil {
		return err
	}
	l.fastEnough("folded_lines_per_s", rate(rest, time.Since(start)), 20_000)
	l.note("lines", (2*burst+rest)*linesPerTurn)
	l.note("rss_mb", int(megabytes(ownUsage().RSS)))
	return errors.Join(
		l.ask("newest_ms", 5, func(int) string { return "/traces?limit=50" }),
		l.ask("trace_ms", 60, func(i int) string {
			return fmt.Sprintf("/traces/t%d", 1+(i*7919)%int(l.turns.Load()))
		}),
	)
}

func rate(turns int, took time.Duration) float64 { return float64(turns*linesPerTurn) / took.Seconds() }

// post sends turns over several connections and returns when all are acknowledged.
func (l *load) post(turns int) error {
	ctx, cancel := context.WithCancelCause(l.ctx)
	defer cancel(nil)
	var clients sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(turns))
	for range collectorClient {
		clients.Go(func() {
			var body bytes.Buffer
			for left.Add(-turnsPerPost) > -turnsPerPost && ctx.Err() == nil {
				body.Reset()
				for range turnsPerPost {
					writeTurn(&body, l.turns.Add(1))
				}
				if err := l.postBody(ctx, body.Bytes()); err != nil {
					cancel(err)
				}
			}
		})
	}
	clients.Wait()
	return context.Cause(ctx)
}

func (l *load) postBody(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.server.URL()+"/api/sdk/v3/log?id=harness", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answered %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// writeTurn writes the lines of a turn, whose texts share no long run of words with
// those of another.
func writeTurn(w *bytes.Buffer, n int64) {
	const start, end = `"startTimestamp":"2026-01-02T03:04:05.678901+00:00"`, `"endTimestamp":"2026-01-02T03:04:06.678901+00:00"`
	text := words(n)
	fmt.Fprintf(w, `trace{id=t%[1]d,action=create,data={"name":"turn","tags":{"env":"prod"},%[2]s,"sessionId":"s%[4]d","input":"%[5]s"}}
trace{id=t%[1]d,action=add-generation,data={"id":"g%[1]d","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":"%[5]s"}],"modelParameters":{"temperature":"0.5"},"tags":{},%[2]s}}
generation{id=g%[1]d,action=result,data={"result":{"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":"%[5]s"}}],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}}}
generation{id=g%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=add-tool-call,data={"id":"c%[1]d","name":"lookup","args":"{}",%[2]s}}
tool_call{id=c%[1]d,action=result,data={"result":"%[5]s"}}
tool_call{id=c%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=update,data={"output":"%[5]s"}}
trace{id=t%[1]d,action=end,data={%[3]s}}
`, n, start, end, n/10, text)
}

// words returns about 400 bytes of text.
func words(n int64) string {
	var text strings.Builder
	for i := range int64(45) {
		fmt.Fprintf(&text, "word%d ", (n*7919+i*104729)%4093)
	}
	return text.String()
}

// logTurns logs turns with a logger of this process, and returns when all are
// acknowledged.
func (l *load) logTurns(turns int) error {
	log, err := logger.New(logger.Config{ID: "harness", APIKey: "key", BaseURL: l.server.URL(), SpoolDir: filepath.Join(l.dir, "spool"), MaxWait: time.Minute})
	if err != nil {
		return err
	}
	for n := range turns {
		text := words(int64(n))
		trace := log.Trace(logger.TraceConfig{Name: "turn", Input: text})
		generation := trace.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai", Messages: []logger.Message{{Role: "user", Content: text}}})
		generation.Result(map[string]any{
			"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": text}}},
			"usage":   map[string]any{"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
		})
		call := trace.AddToolCall(logger.ToolCallConfig{Name: "lookup", Args: "{}"})
		call.Result(text)
		trace.SetOutput(text)
		trace.End()
	}
	return errors.Join(log.Flush(l.ctx), log.Close(l.ctx))
}

// ask asks questions one after the other, and shows how long the answers took.
func (l *load) ask(key string, bound float64, path func(i int) string) error {
	var took histogram
	for i := range collectorAsks {
		req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, l.server.URL()+"/api/v1/repositories/harness"+path(i), nil)
		if err != nil {
			return err
		}
		start := time.Now()
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		took.add(time.Since(start))
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s: %w", path(i), answer.Status, err)
		}
	}
	q := took.quantiles()
	l.soonEnough(key+"_p50", float64(q.P50.Microseconds())/1000, bound)
	l.note(key+"_p99", fmt.Sprintf("%.4g", float64(q.P99.Microseconds())/1000))
	return nil
}
