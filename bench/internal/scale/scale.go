// Package scale measures how the cost of a turn grows with the workload, for Troupe
// with its spool on disk: a table, a CSV file and a chart for each thing that grows.
package scale

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/plot"
	"github.com/troupelog/troupe/bench/internal/report"
)

// ErrLost is the result of a measurement in which entries were lost.
var ErrLost = errors.New("scale: troupe lost entries, see above")

// Runner runs one client in a separate process; run.Bench is one.
type Runner interface {
	Client(ctx context.Context, spec client.Spec, latency time.Duration) (measure.Figures, error)
}

// Names returns the names of all dimensions.
func Names() []string {
	var names []string
	for _, d := range dimensions {
		names = append(names, d.name)
	}
	return names
}

// Config configures a measurement.
type Config struct {
	What []string // of Names
	Max  int      // turns of the longest run
	Dir  string   // for the CSV files and charts; made if it is not there
}

// Measure runs every point in a fresh process, writes a table for each dimension to
// out, and a CSV file and a chart to the folder. It fails with ErrLost, behind all
// else, when entries were lost.
func Measure(ctx context.Context, c Config, bench Runner, out io.Writer) error {
	for _, name := range c.What {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("scale: there is no %q; there are %v", name, Names())
		}
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return fmt.Errorf("scale: make the folder of results: %w", err)
	}
	lossless := true
	for _, d := range dimensions {
		if !slices.Contains(c.What, d.name) {
			continue
		}
		results, err := d.measure(ctx, c.Max, bench)
		if err != nil {
			return err
		}
		if err := d.tell(out, c.Dir, results); err != nil {
			return err
		}
		for _, r := range results {
			lossless = lossless && r.Runs.Lossless()
		}
	}
	if !lossless {
		return ErrLost
	}
	return nil
}

// measure runs the points with at most limit turns each.
func (d dimension) measure(ctx context.Context, limit int, bench Runner) ([]report.Result, error) {
	var results []report.Result
	for _, x := range d.points {
		if d.length && x > limit {
			continue
		}
		p := d.at(x)
		p.spec.Turns = min(p.spec.Turns, limit)
		f, err := bench.Client(ctx, p.spec, p.latency)
		if err != nil {
			return nil, fmt.Errorf("scale: %s at %d: %w", d.name, x, err)
		}
		results = append(results, report.Result{Name: strconv.Itoa(x), Runs: report.Runs{f}})
	}
	return results, nil
}

// tell writes the results of a dimension.
func (d dimension) tell(out io.Writer, dir string, results []report.Result) error {
	fmt.Fprintf(out, "%s\n\n", d.title)
	report.Table(out, d.axis, results, d.extra...)
	report.Remarks(out, results)
	fmt.Fprintln(out)
	if err := d.writeCSV(filepath.Join(dir, d.name+".csv"), results); err != nil {
		return err
	}
	if len(results) == 0 {
		return nil
	}
	if err := d.costs(results).Save(filepath.Join(dir, d.name+".svg")); err != nil {
		return err
	}
	if d.name != "sessions" {
		return nil
	}
	return d.lives(results).Save(filepath.Join(dir, d.name+"-memory.svg"))
}

func (d dimension) writeCSV(path string, results []report.Result) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("scale: %w", err)
	}
	return errors.Join(report.CSV(file, d.axis, results, d.extra...), file.Close())
}

// costs returns the chart of the cost of a turn, in microseconds.
func (d dimension) costs(results []report.Result) plot.Chart {
	return plot.Chart{
		Title: d.title, XLabel: d.axis, YLabel: "µs per turn", LogX: !d.linear,
		Series: []plot.Series{
			series("until delivered (1 / throughput)", results, func(f measure.Figures) float64 { return 1e6 / f.TurnsPerSecond }),
			series("CPU", results, func(f measure.Figures) float64 { return f.CPU }),
			series("inside the caller's calls", results, func(f measure.Figures) float64 { return f.Caller }),
		},
	}
}

// lives returns the chart of the cost of live sessions.
func (d dimension) lives(results []report.Result) plot.Chart {
	return plot.Chart{
		Title: "Live sessions: memory and creation", XLabel: d.axis, YLabel: "MB, ms", LogX: !d.linear,
		Series: []plot.Series{
			series("resident memory, MB", results, func(f measure.Figures) float64 { return f.LiveMB }),
			series("created in, ms", results, func(f measure.Figures) float64 { return 1e3 * f.CreateSeconds }),
		},
	}
}

// series is one figure over the points.
func series(name string, results []report.Result, figure func(measure.Figures) float64) plot.Series {
	s := plot.Series{Name: name}
	for _, r := range results {
		x, err := strconv.ParseFloat(r.Name, 64)
		if err != nil {
			panic(err) // measure has written it
		}
		s.X, s.Y = append(s.X, x), append(s.Y, r.Runs.Spread(figure).Median)
	}
	return s
}
