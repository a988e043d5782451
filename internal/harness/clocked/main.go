// Command clocked logs under a wall clock that is wrong and is set right while it runs. It
// is built with a clock that follows the environment variable TROUPE_CLOCK; see package
// harness, which builds and starts it.
//
//	clocked URL SPOOL NAME COUNT
//
// It logs COUNT entries, syncs them, waits until the clock has jumped for the last time and
// the logger had the time to notice, flushes and closes. It prints its account as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/logger"
)

// noticing limits the time until the logger acts on a jump: it checks ages each second.
const noticing = 3 * time.Second

// said is the output of the program.
type said struct {
	Stats logger.Stats
	Err   string // of Close
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "clocked:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: clocked URL SPOOL NAME COUNT")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	log, err := logger.New(logger.Config{
		ID: "harness", BaseURL: args[0], SpoolDir: args[1], RequireDurable: true, FlushInterval: 50 * time.Millisecond, Slog: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	for i := range count {
		log.SessionAddTag(args[2], arrivals.TagKey, arrivals.Stamp{Stream: args[2], Index: i}.Text(args[2], 200))
	}
	if err := log.Sync(context.Background()); err != nil && count > 0 {
		return err
	}
	var result said
	time.Sleep(lastJump() + noticing)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := log.Close(ctx); err != nil {
		result.Err = err.Error()
	}
	result.Stats = log.Stats()
	return json.NewEncoder(os.Stdout).Encode(result)
}

// lastJump returns how long after the start of the process the clock jumps for the last
// time, as TROUPE_CLOCK_LAST says.
func lastJump() time.Duration {
	ms, _ := strconv.Atoi(os.Getenv("TROUPE_CLOCK_LAST"))
	return time.Duration(ms) * time.Millisecond
}
