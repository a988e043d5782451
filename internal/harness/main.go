package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"
)

// command is an experiment. Define declares its flags and returns the function that runs it.
type command struct {
	name, about string
	define      func(*flag.FlagSet) func(*trial) error
}

var commands = []command{
	{"crash", "processes are killed at random moments (R1, R8)", crash},
	{"powerloss", "a simulated disk loses power (R2)", powerloss},
	{"chaos", "requests are refused and connections reset (R4, R5)", chaosCommand},
	{"outage", "the server is down while entries come (R6, R7)", outage},
	{"poison", "the server refuses some entries (R9)", poison},
	{"diskfull", "the disk of the spool is full (R13)", diskfull},
	{"shutdown", "Close while the server does not answer (R17)", shutdown},
	{"multiproc", "processes that share a spool are killed (R18)", multiproc},
	{"reopen", "a logger is opened and closed many times (R22)", reopen},
	{"sessions", "many sessions are live (R16)", sessions},
	{"soak", "all faults, for a long time (R24)", soak},
	{"ingestcrash", "a collector is killed while it stores and folds", ingestCrash},
	{"slowclients", "a collector is beset by slow and greedy clients (S5)", slowClients},
	{"collector", "a collector is filled and asked", collectorLoad},
	{"attack", "faults that were found from outside", attack},
	{"otlpburst", "a collector takes the largest bodies there are (C5)", otlpBurst},
}

// trial is a run of an experiment.
type trial struct {
	*figures
	ctx  context.Context // a trial is a call: it lives as long as its context
	seed uint64
	rnd  *rand.Rand // of the main goroutine only
	dir  string     // an empty folder
	log  io.Writer

	inside []string // the command line that runs a worker where its disk is; empty: here
}

// logf reports progress.
func (t *trial) logf(format string, args ...any) { fmt.Fprintf(t.log, format+"\n", args...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if all bounds are kept, 1 if not, 2 if the
// command is wrong, 3 if this system does not allow the experiment.
func run(ctx context.Context, args []string) int {
	if len(args) == 2 && args[0] == workerCommand {
		return work(args[1], os.Stdin, os.Stdout)
	}
	if len(args) == 2 && args[0] == serveCommand {
		return serveUntilKilled(args[1])
	}
	for _, c := range commands {
		if len(args) > 0 && args[0] == c.name {
			return c.run(ctx, args[1:])
		}
	}
	fmt.Fprintln(os.Stderr, "usage: harness COMMAND [-flags]")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-11s %s\n", c.name, c.about)
	}
	return 2
}

func (c command) run(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	seed := fs.Uint64("seed", rand.Uint64(), "seed of all random choices") //nolint:gosec // it is printed
	busy := fs.Bool("busy", false, "the machine does other work: bounds of time are not held")
	do := c.define(fs)
	if err := fs.Parse(args); err != nil {
		return 2
	}
	dir, err := os.MkdirTemp("", "troupe-"+c.name+"-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	t := &trial{figures: &figures{busy: *busy}, ctx: ctx, seed: *seed, rnd: seeded(*seed), dir: dir, log: os.Stderr}
	t.logf("%s: seed %d, files in %s", c.name, *seed, dir)
	start := time.Now()
	err = do(t)
	t.note("took_s", int(time.Since(start).Seconds()))
	return t.end(c.name, err)
}

// errCannot is returned by an experiment that this system does not allow.
var errCannot = errors.New("cannot be done here")

// end prints the last line and returns the exit code. The files stay if something is
// wrong.
func (t *trial) end(name string, err error) int {
	switch {
	case errors.Is(err, errCannot):
		fmt.Printf("%s seed=%d %v\n", name, t.seed, err)
		_ = os.RemoveAll(t.dir) // nothing is in it
		return 3
	case err != nil:
		fmt.Printf("%s seed=%d %v FAILED: %v (files in %s)\n", name, t.seed, t, err, t.dir)
		return 1
	case !t.good():
		fmt.Printf("%s seed=%d %v (files in %s)\n", name, t.seed, t, t.dir)
		return 1
	}
	fmt.Printf("%s seed=%d %v\n", name, t.seed, t)
	if err := os.RemoveAll(t.dir); err != nil {
		t.logf("%v", err)
	}
	return 0
}

// seeded returns a source of chance.
func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a trial must be repeatable
}
