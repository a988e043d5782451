package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/troupelog/troupe/bench/internal/report"
	"github.com/troupelog/troupe/bench/internal/run"
	"github.com/troupelog/troupe/bench/internal/scale"
)

// scaled measures how Troupe's costs grow with the workload.
func scaled(ctx context.Context, args []string, out io.Writer) error {
	var c scale.Config
	flags := flag.NewFlagSet("bench scale", flag.ContinueOnError)
	flags.StringVar(&c.Dir, "out", "", "folder for the charts and CSV files; required")
	flags.IntVar(&c.Max, "max", 1_000_000, "turns of the longest run")
	axes := flags.String("axes", strings.Join(scale.Names(), ","), "the dimensions that grow, separated by commas")
	budget := flags.Duration("timeout", 15*time.Minute, "bound of one run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.Dir == "" || flags.NArg() > 0 {
		return errors.New("scale: give the folder of results with -out, and no other arguments")
	}
	c.What = strings.Split(*axes, ",")
	bench, err := run.Start(*budget, os.Stderr)
	if err != nil {
		return err
	}
	report.Header(out, fmt.Sprintf("troupe, spool on disk, up to %d turns", c.Max))
	return errors.Join(scale.Measure(ctx, c, bench, out), bench.Close())
}
