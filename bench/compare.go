package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/report"
	"github.com/troupelog/troupe/bench/internal/run"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// errLost is the result of a comparison in which Troupe lost entries.
var errLost = errors.New("troupe lost entries, see above")

// comparison holds the flags.
type comparison struct {
	turns, rounds, producers, payload int
	clients                           []string
	maximJS                           string // "" leaves it out
	latency, budget                   time.Duration
}

// compare runs the clients in turn, round by round, and prints the results.
func compare(ctx context.Context, args []string, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	bench, err := run.Start(c.budget, os.Stderr)
	if err != nil {
		return err
	}
	results := c.run(ctx, bench)
	if err := errors.Join(ctx.Err(), bench.Close()); err != nil {
		return err
	}
	return c.tell(out, results)
}

// parse reads the flags.
func parse(args []string) (c comparison, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&c.turns, "turns", 100_000, "turns per run")
	flags.IntVar(&c.rounds, "rounds", 3, "runs per client")
	flags.IntVar(&c.producers, "producers", 1, "goroutines that log at once; maxim-js has one thread")
	flags.IntVar(&c.payload, "payload", workload.AnswerBytes, "bytes of the model's answer")
	clients := flags.String("clients", "troupe,troupe-memory,otel-blocking,otel-default,posthog", "clients, separated by commas")
	flags.StringVar(&c.maximJS, "maxim-js", "", "adds maxim-js from this folder, in which npm has installed @maximai/maxim-js and uuid")
	flags.DurationVar(&c.latency, "latency", 0, "time the sink waits before each answer")
	flags.DurationVar(&c.budget, "timeout", 5*time.Minute, "bound of one run")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.turns < 1 || c.rounds < 1 || c.producers < 1 || c.payload < 1 || flags.NArg() > 0 {
		return c, errors.New("turns, rounds, producers and payload are at least 1, and there are no other arguments")
	}
	for name := range strings.SplitSeq(*clients, ",") {
		if !slices.Contains(client.Names(), name) {
			return c, fmt.Errorf("there is no client %q; there are %v", name, client.Names())
		}
		c.clients = append(c.clients, name)
	}
	return c, nil
}

// run runs every client once in each round: A B C, A B C, and so on. A run that fails
// is in the results too.
func (c comparison) run(ctx context.Context, bench *run.Bench) []report.Result {
	var results []report.Result
	for _, name := range c.clients {
		results = append(results, report.Result{Name: name})
	}
	if c.maximJS != "" {
		results = append(results, report.Result{Name: client.MaximJS})
	}
	for round := range c.rounds {
		for i := range results {
			r := &results[i]
			f, err := c.once(ctx, bench, r.Name)
			if err != nil {
				r.Failures = append(r.Failures, err)
				continue
			}
			r.Runs = append(r.Runs, f)
			fmt.Fprintf(os.Stderr, "round %d of %d: %s: %s turns/s\n", round+1, c.rounds, f.Client, report.Number(f.TurnsPerSecond))
		}
	}
	return results
}

// once runs one client.
func (c comparison) once(ctx context.Context, bench *run.Bench, name string) (measure.Figures, error) {
	spec := client.Spec{Client: name, Turns: c.turns, Producers: c.producers, Turn: workload.New(c.payload)}
	if name == client.MaximJS {
		return bench.MaximJS(ctx, c.maximJS, spec, c.latency)
	}
	return bench.Client(ctx, spec, c.latency)
}

// tell prints the figures. It fails when Troupe lost anything or did not run.
func (c comparison) tell(out io.Writer, results []report.Result) error {
	report.Header(out, c.String())
	report.Clients(out, results)
	report.Table(out, "client", results)
	report.Remarks(out, results)
	fmt.Fprintln(out, report.Ratios(results))
	for _, r := range results {
		if !strings.HasPrefix(r.Name, "troupe") {
			continue
		}
		if err := errors.Join(r.Failures...); err != nil {
			return err
		}
		if !r.Runs.Lossless() {
			return errLost
		}
	}
	return nil
}

// String describes the run.
func (c comparison) String() string {
	return fmt.Sprintf("%d turns per run, %d rounds, producers: %d, answer: %d bytes, latency of the sink: %s",
		c.turns, c.rounds, c.producers, c.payload, c.latency)
}
