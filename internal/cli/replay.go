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
	// patience is the longest time without a delivery before a replay gives up.
	patience = 2 * time.Minute
	// graceTime limits how long an interrupted replay goes on delivering. It must be less
	// than endTime.
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
		Long: `Logs recorded conversations as if their agents ran again.

FILE holds JSON objects: one per line (JSONL), spread over several lines, or in a list.
Each object holds a conversation in OpenAI's chat format, under messages or traj. A
conversation becomes a session, each user message a trace, each assistant message a
generation, and each tool call a tool call. Conversations that cannot be read are
reported and skipped.

--speed X replays the pauses between messages X times faster than recorded. A pause is the
difference of two timestamp fields (RFC 3339 or seconds since 1970), or one second if
either is missing. The logged times are the times of the replay.

The exit code is 0 only if every entry was delivered. If the server accepts nothing, the
command gives up after ` + patience.String() + `. On an interrupt it delivers as much as it can
within a second and reports the rest.`,
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
	cmd.Flags().StringVar(&f.repo, "repo", "", "repository of the log (required)")
	cmd.Flags().StringVar(&f.key, "api-key", "", "key of the server (default: $"+EnvAPIKey+"); visible to other users in the process list")
	cmd.Flags().StringVar(&f.model, "model", "", "model of the generations (default: as recorded, else unknown)")
	cmd.Flags().StringVar(&f.provider, "provider", "", "provider of the model (default: as recorded, else unknown)")
	cmd.Flags().IntVar(&f.workers, "workers", 8, "number of conversations replayed at a time")
	cmd.Flags().Float64Var(&f.speed, "speed", 0, "speed relative to the recording; 0 replays without pauses")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

// replayer is one run of troupe replay.
type replayer struct {
	replayFlags
	patience       time.Duration // longest time without a delivery
	grace          time.Duration // limits delivery after an early end
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
	// The counters include entries that Flush and Close could not deliver.
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

// reach returns an error if no server responds at the URL. Any response counts.
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
		return fmt.Errorf("no answer from %s: %w; start a collector with \"troupe serve\", or name another server with --to", req.URL.Host, err)
	}
	return resp.Body.Close()
}

// watch cancels ctx once entries have been pending for patience without any delivery.
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
			cancel(fmt.Errorf("the server accepted nothing for %s", patience))
			return
		}
	}
}

// report is the summary of a replay.
type report struct {
	Sessions    int     `json:"sessions"`
	Traces      int     `json:"traces"`
	Generations int     `json:"generations"`
	ToolCalls   int     `json:"tool_calls"`
	Skipped     int     `json:"skipped"`    // conversations that could not be read
	Unfinished  int     `json:"unfinished"` // conversations cut off by an interrupt
	Lines       int64   `json:"lines"`
	Seconds     float64 `json:"seconds"`

	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	Pending   int64 `json:"pending"`
	Dead      int64 `json:"dead"`
	Dropped   int64 `json:"dropped"`
	Rejected  int64 `json:"rejected"`

	counters string // of the logger, as Stats.String formats them
}

func newReport(c replay.Summary, s logger.Stats, took time.Duration) report {
	return report{
		Sessions: c.Sessions, Traces: c.Traces, Generations: c.Generations, ToolCalls: c.ToolCalls,
		Skipped: c.Skipped, Unfinished: c.Unfinished, Lines: s.Accepted, Seconds: took.Seconds(),
		Accepted: s.Accepted, Delivered: s.Delivered, Pending: s.Pending, Dead: s.Dead, Dropped: s.Dropped,
		Rejected: s.Rejected, counters: s.String(),
	}
}

func (r report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "sessions=%d traces=%d generations=%d tool_calls=%d lines=%d seconds=%.2f lines/s=%.0f\n%s\n",
		r.Sessions, r.Traces, r.Generations, r.ToolCalls, r.Lines, r.Seconds, float64(r.Lines)/r.Seconds, r.counters)
	return err
}

// endedEarly returns the error of an interrupted replay, with its reason and the remainder.
func (r report) endedEarly(reading bool, why error) error {
	rest := ""
	if reading {
		rest = fmt.Sprintf("; %d conversations are unfinished, and the rest of the file was not read", r.Unfinished)
	}
	return fmt.Errorf("ended early: %w%s; delivered %d of %d lines", why, rest, r.Delivered, r.Accepted)
}

// verdict returns the error of a replay that was not interrupted, nil if it delivered all.
func (r report) verdict(readErr, closeErr error) error {
	var undelivered, skipped error
	if r.Delivered < r.Accepted || r.Rejected > 0 {
		undelivered = fmt.Errorf("%d lines were not delivered and %d calls were rejected", r.Accepted-r.Delivered, r.Rejected)
	}
	if r.Skipped > 0 {
		skipped = fmt.Errorf("skipped %d unreadable conversations", r.Skipped)
	}
	return errors.Join(readErr, skipped, undelivered, closeErr)
}
