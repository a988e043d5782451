// Command longlived shows sessions that live for days in a process that cannot keep
// all of them awake. A session nobody talks in becomes a small record; the next call
// brings it back with all its totals. Here "idle" is 200 ms, so that it can be watched.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

const (
	customers = 1000
	idleAfter = 200 * time.Millisecond
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "longlived:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server, err := collector.Start(collector.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close(ctx)) }()

	log, err := logger.New(logger.Config{
		ID: "longlived", BaseURL: server.URL(), IdleAfter: idleAfter,
	})
	if err != nil {
		return err
	}
	// Close ends the sessions, since nobody did. After HandOver it would leave a session
	// open, for another process to go on with.
	if err := errors.Join(talk(ctx, out, log), log.Close(ctx)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, log.Stats())
	return err
}

// talk lets every customer have a turn, waits until all sessions are idle, and lets
// the first customer come back.
func talk(ctx context.Context, out io.Writer, log *logger.Logger) error {
	sessions, turns := make([]logger.Session, customers), make([]logger.Trace, customers)
	for i := range sessions {
		sessions[i] = log.Session(logger.SessionConfig{Name: fmt.Sprint("customer ", i)})
		turns[i] = sessions[i].AddTrace(logger.TraceConfig{Name: "turn 1"})
		work(turns[i])
	}
	first := sessions[0]
	if err := show(ctx, out, "everybody is talking", log, first, 2*customers, 0); err != nil {
		return err
	}

	for _, turn := range turns[1:] {
		turn.End()
	}
	if err := show(ctx, out, "only the first still is", log, first, 2, customers-1); err != nil {
		return err
	}

	turns[0].End()
	if err := show(ctx, out, "nobody is", log, first, 0, customers); err != nil {
		return err
	}

	// The handle is as good as ever. Where only the id is left, SessionAddTrace does.
	turn := first.AddTrace(logger.TraceConfig{Name: "turn 2"})
	defer turn.End()
	work(turn)
	return show(ctx, out, "the first is back", log, first, 2, customers-1)
}

// work is a call of a model that takes 10 tokens and answers 5.
func work(trace logger.Trace) {
	gen := trace.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai"})
	gen.Result(json.RawMessage(`{"id": "1", "object": "chat.completion", "created": 1767225600, "model": "gpt-4o",
		"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
		"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}`))
}

// show waits until a number of actors are awake and a number of sessions asleep, and
// prints it together with the state of a session.
func show(ctx context.Context, out io.Writer, when string, log *logger.Logger, session logger.Session, live, passive int64) error {
	if err := until(ctx, log, live, passive); err != nil {
		return err
	}
	s, err := session.Snapshot(ctx) // wakes no one
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%-24s%5d actors awake, %4d sessions asleep; the first: %d turns, %d open, %d tokens\n",
		when, live, passive, s.Begun.Traces, len(s.Open), s.Usage.Total)
	return err
}

// until waits until a number of actors are live and a number of sessions passive, or
// ctx ends.
func until(ctx context.Context, log *logger.Logger, live, passive int64) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		s := log.Stats()
		if s.Live == live && s.Passive == passive {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d live actors and %d passive sessions, at %d and %d: %w", live, passive, s.Live, s.Passive, ctx.Err())
		}
	}
}
