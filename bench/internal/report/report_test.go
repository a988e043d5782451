package report_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// results are those of four clients, one of which did not run.
func results() []report.Result {
	figures := func(client string, perSecond, caller, cpu float64, counted int64) measure.Figures {
		return measure.Figures{
			Client: client, Turns: 1000, TurnsPerSecond: perSecond, Caller: caller, CPU: cpu, P50: 0.512, P99: 12.34, Max: 10_432,
			PeakMB: 48.06, BytesPerTurn: 3306, Expected: 9000, Counted: counted,
		}
	}
	refusing := figures("troupe", 60_000, 7.5, 16, 8991)
	refusing.Refused = map[string]int64{"backpressure": 9}
	failing := figures("otel-default", 61_000, 15.5, 15.7, 2160)
	failing.Failure = "shut down: deadline exceeded"
	return []report.Result{
		{Name: "troupe", Runs: report.Runs{figures("troupe", 58_000, 8, 14, 9000), refusing, figures("troupe", 59_000, 9, 15, 9000)}},
		{Name: "otel-blocking", Runs: report.Runs{figures("otel-blocking", 29_000, 34, 30, 9000)}},
		{Name: "otel-default", Runs: report.Runs{failing}},
		{Name: "maxim-js", Failures: []error{errors.New("there is no Node.js")}},
	}
}

func TestTableIsAsGolden(t *testing.T) {
	const path = "testdata/table.golden"
	var out bytes.Buffer
	report.Table(&out, "client", results())
	report.Remarks(&out, results())
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

func TestCSVHasMediansInFull(t *testing.T) {
	var out bytes.Buffer
	extra := report.Column{Title: "alive MB", Figure: func(measure.Figures) float64 { return 1.23456 }}
	if err := report.CSV(&out, "client", results()[:1], extra); err != nil {
		t.Fatal(err)
	}
	want := "client,turns,turns/s,caller µs/turn,call p50 µs,p99 µs,max µs,CPU µs/turn,peak RSS MB,bytes/turn,lost %,alive MB\n" +
		"troupe,1000,59000,8,0.512,12.34,10432,15,48.06,3306,0,1.23456\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

func TestRatiosLeaveOutWhoDidNotRun(t *testing.T) {
	all := results()
	for name, test := range map[string]struct {
		results []report.Result
		want    string
	}{
		"all":             {all, "ratio turns/s troupe/otel-blocking = 2.03  caller troupe/otel-default = 0.52  cpu troupe/otel-blocking = 0.50"},
		"no otel-default": {all[:2], "ratio turns/s troupe/otel-blocking = 2.03  cpu troupe/otel-blocking = 0.50"},
		"no troupe":       {all[1:], "ratio"},
	} {
		if got := report.Ratios(test.results); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestMedianHalvesTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 20).Draw(t, "values")
		given := slices.Clone(values)
		s := report.SpreadOf(values)
		below, above := 0, 0
		for _, v := range values {
			if v < s.Median {
				below++
			}
			if v > s.Median {
				above++
			}
		}
		if 2*below > len(values) || 2*above > len(values) || s.Min != slices.Min(values) || s.Max != slices.Max(values) {
			t.Errorf("%+v of %v", s, values)
		}
		if !slices.Equal(values, given) {
			t.Error("the caller's values were sorted")
		}
	})
}

func TestLosslessSeesMissingAndDoubledEntries(t *testing.T) {
	for counted, want := range map[int64]bool{9: false, 10: true, 11: false} {
		runs := report.Runs{{Expected: 10, Counted: 10}, {Expected: 10, Counted: counted}}
		if got := runs.Lossless(); got != want {
			t.Errorf("%d of 10 counted: lossless is %v", counted, got)
		}
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.0004: "0.000", 0.0123: "0.012", 0.5: "0.500", 1.005: "1.00", 9.999: "10.00", 12.34: "12.3", 99.96: "100", 123.4: "123",
		1234: "1,234", 1234567: "1,234,567", -50.4: "-50.4", -1234: "-1,234", -123: "-123",
	} {
		if got := report.Number(x); got != want {
			t.Errorf("%v: got %q, want %q", x, got, want)
		}
	}
}
