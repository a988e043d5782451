package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/tree"
)

// list writes traces as a table, times in the local zone.
func list(w io.Writer, traces []collector.TraceSummary, repo string) error {
	if len(traces) == 0 {
		_, err := fmt.Fprintf(w, "repository %q has no traces\n", repo)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// A table keeps the error of its writer until Flush.
	_, _ = fmt.Fprintln(table, "START\tTRACE\tNAME\tSTATUS\tDURATION\tTOKENS\tCOST\tENTITIES\tERRORS")
	for _, t := range traces {
		start, duration, cost := "", "", ""
		if !t.Start.IsZero() {
			start = t.Start.Local().Format(time.DateTime)
		}
		if !t.Start.IsZero() && !t.End.IsZero() {
			duration = tree.Duration(max(t.End.Sub(t.Start), 0))
		}
		if tree.Skew(t.Start, t.End) != "" {
			duration += " skew"
		}
		if t.Cost.Total != 0 {
			cost = tree.Dollars(t.Cost.Total)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", start, tree.Clip(t.ID, 128), tree.Clip(t.Name, 30), t.Status,
			duration, strings.TrimSuffix(tree.Tokens(t.Usage), " tokens"), cost, t.Entities, t.Errors)
	}
	return table.Flush()
}
