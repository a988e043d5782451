// Command bench measures Troupe side by side with its peers on one workload; see
// README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupelog/troupe/bench/internal/run"
	"github.com/troupelog/troupe/bench/internal/sink"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command runs the command that the arguments name.
func command(ctx context.Context, args []string, out io.Writer) error {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case run.SinkCommand:
		return sink.Serve(os.Stdin, os.Stdout)
	case run.ClientCommand:
		return run.Process(ctx, os.Stdin, os.Stdout)
	case "scale":
		return scaled(ctx, args[1:], out)
	default:
		return compare(ctx, args, out)
	}
}
