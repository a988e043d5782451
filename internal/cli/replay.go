package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/replay"
	"github.com/troupelog/troupe/logger"
)

const (
	// patience is how long the server may take nothing before a replay gives up.
	patience = 2 * time.Minute
	// graceTime is how long an interrupted replay goes on delivering: less than endTime.
	graceTime = 700 * time.Millisecond
)

// replayFlags are the flags of troupe replay.
type replayFlags struct {
	to, repo, key   string
	model, provider string
	workers         int
	speed           float64
	json            bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [flags] FILE",
		Short: "Log recorded conversations",
		Long: `Logs recorded conversations as the agents that had them would have.

FILE holds JSON objects, one a line (JSONL), each over several lines, or in a list. Each
object holds a conversation in OpenAI's chat form, under messages or traj. A
conversation becomes a session, each user message a trace, each assistant message a
generation, and each tool call a tool call. Conversations that cannot be read are
reported and skipped.

With --speed X messages follow each other X times faster than recorded: by their
timestamp field, RFC 3339 or seconds since 1970, where both have one, else a second
apart. Logged times are those of the replay.

It exits with 0 only if everything that was read is delivered. It waits while the
server takes nothing, for ` + patience.String() + ` at most. An interrupt ends it within a
second: it delivers what it can and says what it left.`,
		Example: "  troupe replay conversations.json --repo my-agents --workers 16",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			f.to = cmp.Or(f.to, os.Getenv(EnvURL), DefaultURL)
			f.key = cmp.Or(f.key, os.Getenv(EnvAPIKey))
			r := replayer{f, patience, graceTime, c.OutOrStdout(), c.ErrOrStderr()}
			return r.run(c.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "URL of the server (default: $"+EnvURL+", then "+DefaultURL+")")
	cmd.Flags().StringVar(&f.repo, "repo", "", "log repository (required)")
	cmd.Flags().StringVar(&f.key, "api-key", "", "key of the server (default: $"+EnvAPIKey+"); others see it in the list of processes")
	cmd.Flags().StringVar(&f.model, "model", "", "model of the generations (default: as recorded, else unknown)")
	cmd.Flags().StringVar(&f.provider, "provider", "", "provider of the model (default: as recorded, else unknown)")
	cmd.Flags().IntVar(&f.workers, "workers", 8, "conversations at a time")
	cmd.Flags().Float64Var(&f.speed, "speed", 0, "times faster than recorded; 0 is as fast as possible")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

// replayer is one run of troupe replay.
type replayer struct {
	replayFlags
	patience       time.Duration // how long the server may take nothing
	grace          time.Duration // how long to deliver after an early end
	stdout, stderr io.Writer
}

func (r *replayer) check() error {
	if r.workers < 1 {
		return usageError{errors.New("--workers must be at least 1")}
	}
	if !(r.speed >= 0) {
		return usageError{errors.New("--speed must not be negative")}
	}
	_, err := serverURL("--to", r.to, r.key)
	return cmp.Or(requireRepo(r.repo), err)
}

func (r *replayer) run(ctx context.Context, path string) error {
	if err := r.check(); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := reach(ctx, r.to); err != nil {
		return err
	}
	told := newNotices(r.stderr)
	log, err := logger.New(logger.Config{
		Durability: logger.MemoryOnly, // a recording can be replayed again
		ID:         r.repo, APIKey: r.key, BaseURL: r.to,
		MaxWait: 24 * time.Hour, // watch gives up much earlier
		OnError: told.logged,
	})
	if err != nil {
		return err
	}
	begun := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go watch(ctx, cancel, log.Stats, r.patience)
	counts, readErr := replay.Run(ctx, told.progress(file), replay.Config{
		Log: log, Model: r.model, Provider: r.provider, Workers: r.workers, Speed: r.speed,
		Skipped: func(e *replay.ConversationError) { told.line(e) },
	})
	// The account says what a Flush and a Close could not deliver.
	_ = log.Flush(ctx)
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), r.grace)
	defer stop()
	closeErr := log.Close(grace)
	told.done()
	report := newReport(counts, log.Stats(), time.Since(begun))
	if err := report.print(r.stdout, r.json); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return report.endedEarly(readErr != nil, context.Cause(ctx))
	}
	return report.verdict(readErr, closeErr)
}

// reach fails if nothing answers at a URL; any answer will do.
func reach(ctx context.Context, to string) error {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, http.MethodHead, to, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("no answer from %s: %w; start a collector with troupe serve, or name another server with --to", req.URL.Host, err)
	}
	return resp.Body.Close()
}

// watch cancels when entries have been pending for patience and none got delivered.
func watch(ctx context.Context, cancel context.CancelCauseFunc, stats func() logger.Stats, patience time.Duration) {
	tick := time.NewTicker(max(patience/100, time.Millisecond))
	defer tick.Stop()
	delivered, moved := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s := stats()
		settled := s.Delivered + s.Dead
		if settled != delivered || s.Pending == 0 {
			delivered, moved = settled, time.Now()
		}
		if time.Since(moved) > patience {
			cancel(fmt.Errorf("the server took nothing for %s", patience))
			return
		}
	}
}

// report is what came of a replay.
type report struct {
	Sessions    int     `json:"sessions"`
	Traces      int     `json:"traces"`
	Generations int     `json:"generations"`
	ToolCalls   int     `json:"tool_calls"`
	Skipped     int     `json:"skipped"`    // conversations that could not be read
	Unfinished  int     `json:"unfinished"` // conversations broken off by an interrupt
	Lines       int64   `json:"lines"`
	Seconds     float64 `json:"seconds"`

	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	Pending   int64 `json:"pending"`
	Dead      int64 `json:"dead"`
	Dropped   int64 `json:"dropped"`
	Rejected  int64 `json:"rejected"`

	account string // of the logger, in its own words
}

func newReport(c replay.Summary, s logger.Stats, took time.Duration) report {
	return report{
		Sessions: c.Sessions, Traces: c.Traces, Generations: c.Generations, ToolCalls: c.ToolCalls,
		Skipped: c.Skipped, Unfinished: c.Unfinished, Lines: s.Accepted, Seconds: took.Seconds(),
		Accepted: s.Accepted, Delivered: s.Delivered, Pending: s.Pending, Dead: s.Dead, Dropped: s.Dropped,
		Rejected: s.Rejected, account: s.String(),
	}
}

func (r report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "sessions=%d traces=%d generations=%d tool_calls=%d lines=%d seconds=%.2f lines/s=%.0f\n%s\n",
		r.Sessions, r.Traces, r.Generations, r.ToolCalls, r.Lines, r.Seconds, float64(r.Lines)/r.Seconds, r.account)
	return err
}

// endedEarly returns why a replay was ended before it was done, and what it left.
func (r report) endedEarly(reading bool, why error) error {
	rest := ""
	if reading {
		rest = fmt.Sprintf("; %d conversations are unfinished, and what follows them is not read", r.Unfinished)
	}
	return fmt.Errorf("ended early: %w%s; %d of %d lines are delivered", why, rest, r.Delivered, r.Accepted)
}

// verdict returns why a replay that came to its end failed, nil if it did not.
func (r report) verdict(readErr, closeErr error) error {
	var undelivered, skipped error
	if r.Delivered < r.Accepted || r.Rejected > 0 {
		undelivered = fmt.Errorf("%d lines are not delivered, and %d calls were rejected", r.Accepted-r.Delivered, r.Rejected)
	}
	if r.Skipped > 0 {
		skipped = fmt.Errorf("%d of the conversations could not be read", r.Skipped)
	}
	return errors.Join(readErr, skipped, undelivered, closeErr)
}
