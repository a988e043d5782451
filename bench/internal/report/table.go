package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/bench/internal/measure"
)

// Result is one client, or one point of a scale, and its runs.
type Result struct {
	Name     string
	Runs     Runs
	Failures []error // why there are fewer runs than rounds
}

// Column is one figure of a table.
type Column struct {
	Title  string // with its unit
	Figure func(measure.Figures) float64
}

// columns holds the columns of every table.
var columns = []Column{
	{"turns/s", func(f measure.Figures) float64 { return f.TurnsPerSecond }},
	{"caller µs/turn", func(f measure.Figures) float64 { return f.Caller }},
	{"call p50 µs", func(f measure.Figures) float64 { return f.P50 }},
	{"p99 µs", func(f measure.Figures) float64 { return f.P99 }},
	{"max µs", func(f measure.Figures) float64 { return f.Max }},
	{"CPU µs/turn", func(f measure.Figures) float64 { return f.CPU }},
	{"peak RSS MB", func(f measure.Figures) float64 { return f.PeakMB }},
	{"bytes/turn", func(f measure.Figures) float64 { return f.BytesPerTurn }},
	{"lost %", measure.Figures.Lost},
}

// Table writes a Markdown table under the title of its first column: a row for each
// result, and in each cell the median with the smallest and largest figure where they
// differ. Results without a run have no row. The further columns come last.
func Table(w io.Writer, title string, results []Result, further ...Column) {
	all := slices.Concat(columns, further)
	header, rule := []string{title}, []string{"---"}
	for _, c := range all {
		header, rule = append(header, c.Title), append(rule, "---:")
	}
	row(w, header)
	row(w, rule)
	for _, r := range results {
		if len(r.Runs) == 0 {
			continue
		}
		cells := []string{r.Name}
		for _, c := range all {
			cells = append(cells, r.Runs.Spread(c.Figure).String())
		}
		row(w, cells)
	}
}

// CSV writes the medians of the same table in full precision.
func CSV(w io.Writer, title string, results []Result, further ...Column) error {
	all := slices.Concat(columns, further)
	out := csv.NewWriter(w)
	header := []string{title, "turns"}
	for _, c := range all {
		header = append(header, c.Title)
	}
	records := [][]string{header}
	for _, r := range results {
		if len(r.Runs) == 0 {
			continue
		}
		record := []string{r.Name, strconv.Itoa(r.Runs[0].Turns)}
		for _, c := range all {
			record = append(record, strconv.FormatFloat(r.Runs.Spread(c.Figure).Median, 'f', -1, 64))
		}
		records = append(records, record)
	}
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("report: write the table: %w", err)
	}
	return nil
}

// Remarks writes details that are not in the table: refused calls and failures, a line each.
func Remarks(w io.Writer, results []Result) {
	for _, r := range results {
		for _, err := range r.Failures {
			fmt.Fprintf(w, "%s: no figures of one run: %s\n", r.Name, err)
		}
		for round, f := range r.Runs {
			for _, reason := range slices.Sorted(maps.Keys(f.Refused)) {
				fmt.Fprintf(w, "%s, round %d: %d calls refused: %s\n", r.Name, round+1, f.Refused[reason], reason)
			}
			if f.Failure != "" {
				fmt.Fprintf(w, "%s, round %d: %s\n", r.Name, round+1, f.Failure)
			}
			if missing := f.Expected - f.Counted; missing != 0 {
				fmt.Fprintf(w, "%s, round %d: %d of %d entries counted\n", r.Name, round+1, f.Counted, f.Expected)
			}
		}
	}
}

func row(w io.Writer, cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

// String is the median, and in brackets the range where it has one.
func (s Spread) String() string {
	median, least, most := Number(s.Median), Number(s.Min), Number(s.Max)
	if least == most {
		return median
	}
	return fmt.Sprintf("%s (%s–%s)", median, least, most)
}

// Number writes a figure with three significant digits, but at most three decimals,
// whole from 100 on and with commas between thousands.
func Number(x float64) string {
	digits := 0
	if size := math.Abs(x); size > 0 && size < 99.95 {
		digits = min(2-int(math.Floor(math.Log10(size))), 3)
	}
	text := strconv.FormatFloat(x, 'f', digits, 64)
	whole, fraction, found := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		return whole + "." + fraction
	}
	return whole
}
