package replay

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/troupelog/troupe/logger"
)

// MaxConversation is the longest conversation that is read, in bytes of its JSON.
// Longer ones are skipped.
const MaxConversation = 64 << 20

// DefaultGap is the time between two messages without recorded times.
const DefaultGap = time.Second

// Config says how to replay. Log is required.
type Config struct {
	// Log takes the conversations. It should wait for room rather than reject.
	Log *logger.Logger
	// Model and Provider are those of all generations. Empty means what the recording
	// says, and "unknown" where it does not.
	Model, Provider string
	// Workers limits the conversations that are played at once. Default 1.
	Workers int
	// Speed is the factor by which messages follow each other faster than in the recording.
	// The pace follows the messages' timestamp fields (RFC 3339, or seconds since
	// 1970); a message without one comes DefaultGap after the one before it. 0 is as
	// fast as possible.
	Speed float64
	// Skipped is called for every conversation that is skipped, one at a time. Required.
	Skipped func(*ConversationError)
}

// Summary counts the logged entities.
type Summary struct {
	Sessions, Traces, Generations, ToolCalls int

	Skipped    int // conversations that could not be read
	Unfinished int // conversations that were begun, and broken off when ctx ended
}

func (s *Summary) add(o Summary) {
	s.Sessions += o.Sessions
	s.Traces += o.Traces
	s.Generations += o.Generations
	s.ToolCalls += o.ToolCalls
	s.Skipped += o.Skipped
	s.Unfinished += o.Unfinished
}

// Run logs the conversations that r holds. It reads each when a worker is free for
// it, so memory depends on the workers and the longest conversation, not on the
// stream. It returns when all is handed to the logger, which the caller flushes.
//
// The error is ctx's if it ended first, or why the rest of r cannot be read; the
// summary holds in both cases. Conversations that are skipped are no error.
func Run(ctx context.Context, r io.Reader, c Config) (Summary, error) {
	var (
		total   Summary
		mu      sync.Mutex // guards total and the calls of Skipped
		workers sync.WaitGroup
	)
	skip := func(e *ConversationError) {
		mu.Lock()
		defer mu.Unlock()
		total.Skipped++
		c.Skipped(e)
	}
	texts := make(chan numbered)
	for range max(1, c.Workers) {
		workers.Go(func() {
			counts := work(ctx, c, texts, skip)
			mu.Lock()
			defer mu.Unlock()
			total.add(counts)
		})
	}
	err := read(ctx, r, texts, skip)
	close(texts)
	workers.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return total, err
}

// numbered is the text of a conversation with its number.
type numbered struct {
	number int
	text   []byte
}

// read sends the conversations of r to the workers.
func read(ctx context.Context, r io.Reader, texts chan<- numbered, skip func(*ConversationError)) error {
	values := NewValues(r, MaxConversation)
	for {
		text, err := values.Next()
		var bad *ValueError
		switch {
		case err == nil:
		case errors.As(err, &bad):
			skip(&ConversationError{bad.Number, bad.Reason})
			continue
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
		select {
		case texts <- numbered{values.Number(), text}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// work logs the steps found in texts and returns their description.
func work(ctx context.Context, c Config, texts <-chan numbered, skip func(*ConversationError)) Summary {
	var counts Summary
	p := player{Config: c, counts: &counts}
	for t := range texts {
		if ctx.Err() != nil {
			return counts // read stops as well
		}
		conversation, err := parse(t.number, t.text)
		var bad *ConversationError
		if errors.As(err, &bad) {
			skip(bad)
			continue
		}
		if p.play(ctx, conversation) != nil {
			counts.Unfinished++
		}
	}
	return counts
}
