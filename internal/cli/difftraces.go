package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/diff"
	"github.com/troupelog/troupe/internal/tree"
)

// diffFlags are the flags of troupe diff.
type diffFlags struct {
	target
	sort string
	all  bool
	json bool
}

// diffOrders are the values of --sort.
var diffOrders = map[string]diff.Order{"place": diff.ByPlace, "duration": diff.ByDuration, "cost": diff.ByCost, "tokens": diff.ByTokens}

func diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff [flags] A B",
		Short: "Compare two traces",
		Long: "Compares two traces or sessions: the nodes that only one of them has, the nodes that differ, and the\n" +
			"differences in duration, tokens and cost.\n" +
			"Lines start with - for nodes only in A, + for nodes only in B, and ~ for changed nodes.\n" +
			"The exit code is 1 if the traces differ, as with diff.",
		Example: "  troupe diff --repo my-agents 0b5cbb2a-44bf-4e43-a1d6-6ad8a1d07d5f 5a1e8c1b-0d0e-4a44-8d4c-0d1a2f3b4c5d",
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			f.fill()
			return diffTraces(c.Context(), f, args[0], args[1], c.OutOrStdout())
		},
	}
	f.flags(cmd, "from", "")
	cmd.Flags().StringVar(&f.sort, "sort", "place", "order of the lines: place, duration, cost or tokens")
	cmd.Flags().BoolVar(&f.all, "all", false, "also print nodes that are the same")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// errDiffer makes troupe diff exit with ExitFailure, as diff does.
var errDiffer = errors.New("the traces differ")

func diffTraces(ctx context.Context, f diffFlags, idA, idB string, stdout io.Writer) error {
	order, ok := diffOrders[f.sort]
	if !ok {
		return usageError{errors.New("--sort must be place, duration, cost or tokens")}
	}
	if err := f.check("from"); err != nil {
		return err
	}
	c, err := newClient(f.url, f.repo, f.key)
	if err != nil {
		return err
	}
	a, err := traceOrSession(ctx, c, idA)
	if err != nil {
		return err
	}
	b, err := traceOrSession(ctx, c, idB)
	if err != nil {
		return err
	}
	d := diff.Traces(a, b)
	if f.json {
		err = json.NewEncoder(stdout).Encode(diffReport(&d, d.Sorted(order), f.all))
	} else {
		err = printDiff(stdout, &d, d.Sorted(order), f.all)
	}
	if err == nil && d.Counts.Different() {
		err = errDiffer
	}
	return err
}

// diffSigns begin the lines of a comparison.
var diffSigns = map[diff.State]string{diff.Same: " ", diff.Changed: "~", diff.OnlyA: "-", diff.OnlyB: "+"}

func printDiff(w io.Writer, d *diff.TraceDiff, rows []diff.Row, all bool) error {
	for _, r := range rows {
		if r.State == diff.Same && !all {
			continue
		}
		n := rowNode(r)
		facts := deltaFacts(r)
		if _, err := fmt.Fprintf(w, "%s %s%s %s%s\n", diffSigns[r.State], strings.Repeat("  ", r.Depth), n.Kind, tree.Clip(nodeName(n), 60), facts); err != nil {
			return err
		}
	}
	left := ""
	if d.Left > 0 {
		left = fmt.Sprintf("; %d more not compared", d.Left)
	}
	_, err := fmt.Fprintf(w, "%d the same, %d changed, %d only in A, %d only in B%s; cost %s, tokens %+d\n",
		d.Counts.Same, d.Counts.Changed, d.Counts.OnlyA, d.Counts.OnlyB, left, signed(d.Delta.Cost.Total.String()), d.Delta.Usage.Total)
	return err
}

// signed formats a difference in dollars with its sign, plus for zero.
func signed(amount string) string {
	if rest, negative := strings.CutPrefix(amount, "-"); negative {
		return "-$" + rest
	}
	return "+$" + amount
}

func rowNode(r diff.Row) *collector.Node {
	if r.A != nil {
		return r.A
	}
	return r.B
}

func nodeName(n *collector.Node) string {
	if n.Name != "" {
		return n.Name
	}
	if n.Model != "" {
		return n.Model
	}
	return n.ID
}

// deltaFacts formats the differences of B from A in duration, tokens and cost. Differences
// below a millisecond are noise and are left out.
func deltaFacts(r diff.Row) string {
	var facts []string
	if r.Delta.Timed && r.Delta.Duration.Abs() >= time.Millisecond {
		sign := "+"
		if r.Delta.Duration < 0 {
			sign = ""
		}
		facts = append(facts, sign+tree.Duration(r.Delta.Duration))
	}
	if r.Delta.Usage.Total != 0 {
		facts = append(facts, fmt.Sprintf("%+d tokens", r.Delta.Usage.Total))
	}
	if r.Delta.Cost.Total != 0 {
		facts = append(facts, signed(r.Delta.Cost.Total.String()))
	}
	if len(facts) == 0 {
		return ""
	}
	return "  " + strings.Join(facts, ", ")
}

// diffJSON is the output of troupe diff --json.
type diffJSON struct {
	Same    int           `json:"same"`
	Changed int           `json:"changed"`
	OnlyA   int           `json:"only_a"`
	OnlyB   int           `json:"only_b"`
	Left    int           `json:"left"` // nodes without a row
	Rows    []diffJSONRow `json:"rows"`
}

type diffJSONRow struct {
	State      string      `json:"state"`
	Depth      int         `json:"depth"`
	Kind       string      `json:"kind"`
	Name       string      `json:"name"`
	A          string      `json:"a,omitempty"` // id
	B          string      `json:"b,omitempty"` // id
	DurationMS float64     `json:"duration_ms"` // of B minus A; negative if B was faster
	Tokens     int64       `json:"tokens"`
	Cost       json.Number `json:"cost"`
}

func diffReport(d *diff.TraceDiff, rows []diff.Row, all bool) diffJSON {
	report := diffJSON{d.Counts.Same, d.Counts.Changed, d.Counts.OnlyA, d.Counts.OnlyB, d.Left, []diffJSONRow{}}
	for _, r := range rows {
		if r.State == diff.Same && !all {
			continue
		}
		n := rowNode(r)
		row := diffJSONRow{
			State: r.State.String(), Depth: r.Depth, Kind: n.Kind, Name: nodeName(n),
			DurationMS: float64(r.Delta.Duration.Microseconds()) / 1000, Tokens: r.Delta.Usage.Total, Cost: json.Number(r.Delta.Cost.Total.String()),
		}
		if r.A != nil {
			row.A = r.A.ID
		}
		if r.B != nil {
			row.B = r.B.ID
		}
		report.Rows = append(report.Rows, row)
	}
	return report
}
