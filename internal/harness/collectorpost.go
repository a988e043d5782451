package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/logger"
)

const (
	linesPerTurn  = 9
	linesPerPost  = 1800 // as the logger's own batches
	openTurns     = 5000 // that grow at the same time
	postClients   = 4    // connections
	offeredRate   = 10_000
	steadyClients = 16
	linesPerSmall = 90 // of a post at a steady rate
	steadyTime    = 20 * time.Second
)

// post sends turns over several connections, as fast as they are acknowledged, and
// returns when all are. openTurns of them grow at the same time.
func (l *load) post(turns int) error {
	ctx, cancel := context.WithCancelCause(l.ctx)
	defer cancel(nil)
	var clients sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(turns))
	const most = openTurns / postClients
	for range postClients {
		clients.Go(func() {
			for ctx.Err() == nil {
				n := min(most, left.Add(-most)+most)
				if n <= 0 {
					return
				}
				if err := l.postTurns(ctx, l.turns.Add(n)-n+1, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	clients.Wait()
	return context.Cause(ctx)
}

// postTurns sends n turns: the first line of each, then the second of each, and so on.
func (l *load) postTurns(ctx context.Context, first, n int64) error {
	var body []byte
	lines := 0
	for line := range linesPerTurn {
		for i := range n {
			body = appendLine(body, first+i, line)
			if lines++; lines < linesPerPost && (line < linesPerTurn-1 || i < n-1) {
				continue
			}
			if err := l.postBody(ctx, body, lines); err != nil {
				return err
			}
			body, lines = body[:0], 0
		}
	}
	return nil
}

func (l *load) postBody(ctx context.Context, body []byte, lines int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.server.URL()+"/api/sdk/v3/log?id=harness", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answered %s", answer.Status)
	}
	if l.lines.Add(int64(lines)) >= int64(l.wanted/10) {
		l.tenth.CompareAndSwap(0, time.Now().UnixNano())
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// steady offers lines at offeredRate while something is done, over connections that
// take turns, and shows how long they wait to be acknowledged, from the moment that they
// should have been sent.
func (l *load) steady(key string, while func() error) error {
	disk, err := l.startProbe()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(l.ctx)
	defer cancel(nil)
	const period = time.Second * linesPerSmall / offeredRate
	var clients sync.WaitGroup
	var took histogram
	done := make(chan struct{})
	start := time.Now()
	for i := range steadyClients {
		clients.Go(func() {
			for n := i; ; n += steadyClients {
				due := start.Add(time.Duration(n) * period)
				select {
				case <-time.After(time.Until(due)):
				case <-done:
					return
				case <-ctx.Done():
					return
				}
				if err := l.postSmall(ctx); err != nil {
					cancel(err)
					return
				}
				took.add(time.Since(due))
			}
		})
	}
	err = while()
	close(done)
	clients.Wait()
	sync := disk.end()
	l.note(key+"_sync_ms_p50", ms(sync.P50)) // of the disk alone: no acknowledgement is faster
	l.note(key+"_sync_ms_p99", ms(sync.P99))
	q := took.quantiles()
	l.note(key+"_ms_p50", ms(q.P50))
	l.soonEnough(key+"_ms_p99", float64(q.P99.Microseconds())/1000, ackTime)
	l.note(key+"_ms_max", ms(q.Max))
	return errors.Join(err, context.Cause(ctx))
}

// postSmall sends a few turns.
func (l *load) postSmall(ctx context.Context) error {
	const n = linesPerSmall / linesPerTurn
	first := l.turns.Add(n) - n + 1
	var body []byte
	for turn := first; turn < first+n; turn++ {
		body = appendTurn(body, turn)
	}
	return l.postBody(ctx, body, linesPerSmall)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.4g", float64(d.Microseconds())/1000) }

const (
	vocabulary = 4093
	commonWord = "the" // in every text
)

// rareWord is in the texts of one turn in a thousand.
func rareWord(turn int64) string { return "needle" + strconv.FormatInt(turn/1000, 10) }

// appendText appends about 400 bytes, which share no long run of words with the text of
// another turn.
func appendText(dst []byte, turn int64) []byte {
	for i := range int64(45) {
		dst = strconv.AppendInt(append(dst, "word"...), (turn*7919+i*104729)%vocabulary, 10)
		dst = append(dst, ' ')
	}
	if dst = append(dst, commonWord...); turn%1000 == 0 {
		dst = append(append(dst, ' '), rareWord(turn)...)
	}
	return dst
}

// appendTurn appends the lines of a turn.
func appendTurn(dst []byte, turn int64) []byte {
	for line := range linesPerTurn {
		dst = appendLine(dst, turn, line)
	}
	return dst
}

// appendLine appends one of the lines of a turn.
func appendLine(dst []byte, turn int64, line int) []byte {
	const start, end = `"startTimestamp":"2026-01-02T03:04:05.678901+00:00"`, `"endTimestamp":"2026-01-02T03:04:06.678901+00:00"`
	var numbered [20]byte
	n := strconv.AppendInt(numbered[:0], turn, 10)
	add := func(parts ...string) {
		for _, p := range parts {
			switch p {
			case "#":
				dst = append(dst, n...)
			case "$":
				dst = appendText(dst, turn)
			default:
				dst = append(dst, p...)
			}
		}
	}
	switch line {
	case 0:
		add(`trace{id=t`, "#", `,action=create,data={"name":"turn","tags":{"env":"prod"},`+start+`,"sessionId":"s`, strconv.FormatInt(turn/10, 10), `","input":"`, "$", `"}}`)
	case 1:
		add(`trace{id=t`, "#", `,action=add-generation,data={"id":"g`, "#", `","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":"`,
			"$", `"}],"modelParameters":{"temperature":"0.5"},"tags":{},`+start+`}}`)
	case 2:
		add(`generation{id=g`, "#", `,action=result,data={"result":{"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":"`,
			"$", `"}}],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}}}`)
	case 3:
		add(`generation{id=g`, "#", `,action=end,data={`+end+`}}`)
	case 4:
		add(`trace{id=t`, "#", `,action=add-tool-call,data={"id":"c`, "#", `","name":"lookup","args":"{}",`+start+`}}`)
	case 5:
		add(`tool_call{id=c`, "#", `,action=result,data={"result":"`, "$", `"}}`)
	case 6:
		add(`tool_call{id=c`, "#", `,action=end,data={`+end+`}}`)
	case 7:
		add(`trace{id=t`, "#", `,action=update,data={"output":"`, "$", `"}}`)
	case 8:
		add(`trace{id=t`, "#", `,action=end,data={`+end+`}}`)
	}
	return append(dst, '\n')
}

// logTurns logs turns with a logger of this process, and returns when all are
// acknowledged.
func (l *load) logTurns(turns int) error {
	log, err := logger.New(logger.Config{ID: "harness", APIKey: "key", BaseURL: l.server.URL(), SpoolDir: filepath.Join(l.dir, "spool"), MaxWait: time.Minute})
	if err != nil {
		return err
	}
	for n := range turns {
		text := string(appendText(nil, int64(n)))
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
