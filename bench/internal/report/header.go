package report

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/troupelog/troupe/bench/internal/measure"
)

// Header writes the name of the run and the machine.
func Header(w io.Writer, what string) {
	fmt.Fprintf(w, "%s\n%s, %s/%s, %d CPUs; spools in %s\n\n", what, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), os.TempDir())
}

// Clients writes the version of each client, and the time that measuring a call added to its
// figure, a line each.
func Clients(w io.Writer, results []Result) {
	for _, r := range results {
		if len(r.Runs) == 0 {
			continue
		}
		timer := r.Runs.Spread(func(f measure.Figures) float64 { return f.TimerNanos })
		fmt.Fprintf(w, "%s %s; timing adds %s ns to each call\n", r.Name, r.Runs[0].Version, timer)
	}
	fmt.Fprintln(w)
}
