package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/demo"
	"github.com/troupelog/troupe/logger"
)

// demoTime limits how long a demo waits for the collector.
const demoTime = time.Minute

func demoCommand() *cobra.Command {
	var t target
	var rounds int
	cmd := &cobra.Command{
		Use:   "demo [flags]",
		Short: "Log a week of sample data from made-up agents",
		Long: "Logs a week of sample data from a handful of made-up agents: conversations with tool calls, documents,\n" +
			"failures and retries, images, several languages, feedback, and a run that is still open.\n" +
			"The data goes to the repository \"demo\" unless --repo names another.",
		Example: "  troupe serve &\n  troupe demo",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			t.fill()
			return runDemo(c.Context(), t, rounds, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	t.flags(cmd, "to", "demo")
	cmd.Flags().IntVar(&rounds, "rounds", 12, "number of runs of each agent")
	return cmd
}

func runDemo(ctx context.Context, t target, rounds int, stdout, stderr io.Writer) error {
	if rounds < 1 {
		return usageError{errors.New("--rounds must be at least 1")}
	}
	if err := t.check("to"); err != nil {
		return err
	}
	if err := reach(ctx, t.url); err != nil {
		return err
	}
	told := newNotices(stderr)
	log, err := logger.New(logger.Config{
		Durability: logger.MemoryOnly, // nothing is lost with a failed demo: it can be run again
		ID:         t.repo, APIKey: t.key, BaseURL: t.url, MaxWait: demoTime, OnError: told.logged,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	err = demo.Run(ctx, demo.Config{Log: log, Rounds: rounds, Seed: rand.Uint64()}) //nolint:gosec // it only varies the sample data
	if err = errors.Join(err, log.Flush(ctx), log.Close(ctx)); err != nil {
		return err
	}
	s := log.Stats()
	_, err = fmt.Fprintf(stdout, "logged %d lines to repository %q: open %s/traces?repo=%s\n", s.Delivered, t.repo, t.url, t.repo)
	return err
}
