package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/bench/internal/report"
	"github.com/troupelog/troupe/bench/internal/run"
)

// TestMain makes this test program the processes that it starts.
func TestMain(m *testing.M) {
	if name := os.Args[1]; name == run.SinkCommand || name == run.ClientCommand {
		main()
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

func TestComparisonHasARowForEachAndEndsWithTheRatios(t *testing.T) {
	var out bytes.Buffer
	err := command(t.Context(), []string{"-turns", "20", "-rounds", "2", "-clients", "troupe,troupe-memory,otel-blocking"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"\n| troupe | ", "\n| troupe-memory | ", "\n| otel-blocking | "} {
		if n := strings.Count(out.String(), row); n != 1 {
			t.Errorf("%d rows %q, want 1", n, row)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "ratio turns/s troupe/otel-blocking = ") || !strings.Contains(last, "  cpu troupe/otel-blocking = ") {
		t.Errorf("the last line is %q", last)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestOnlyLossesOfTroupeAreErrors(t *testing.T) {
	whole, partly := report.Runs{{Expected: 9, Counted: 9}}, report.Runs{{Expected: 9, Counted: 9}, {Expected: 9, Counted: 8}}
	failure := errors.New("it did not run")
	for name, test := range map[string]struct {
		results []report.Result
		want    error
	}{
		"nothing is lost":           {[]report.Result{{Name: "troupe", Runs: whole}, {Name: "otel-default", Runs: whole}}, nil},
		"a peer loses":              {[]report.Result{{Name: "troupe", Runs: whole}, {Name: "otel-default", Runs: partly}}, nil},
		"a peer does not run":       {[]report.Result{{Name: "troupe", Runs: whole}, {Name: "maxim-js", Failures: []error{failure}}}, nil},
		"troupe loses":              {[]report.Result{{Name: "troupe", Runs: partly}}, errLost},
		"troupe loses, from memory": {[]report.Result{{Name: "troupe", Runs: whole}, {Name: "troupe-memory", Runs: partly}}, errLost},
		"troupe does not run":       {[]report.Result{{Name: "troupe", Failures: []error{failure}}}, failure},
	} {
		if got := (comparison{}).tell(new(bytes.Buffer), test.results); !errors.Is(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestArgumentsThatMeanNothingAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-turns", "0"}, {"-producers", "-1"}, {"-clients", "troupe,nobody"}, {"more"}, {"scale"}, {"scale", "-out", "x", "more"},
		{"-no-such-flag"},
	} {
		if err := command(context.Background(), args, new(bytes.Buffer)); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: got %v, want an error", args, err)
		}
	}
}
