package client_test

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/sink"
	"github.com/troupelog/troupe/bench/internal/workload"
)

const turns = 20

// run runs a client against a sink of its own and returns both accounts.
func run(t *testing.T, spec client.Spec) (measure.Figures, sink.Stats) {
	t.Helper()
	server := httptest.NewServer(sink.New())
	defer server.Close()
	spec.SinkURL, spec.Dir, spec.Budget = server.URL, t.TempDir(), time.Minute
	spec.Turns, spec.Turn = turns, workload.New(workload.AnswerBytes)
	f, err := client.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := sink.Fetch(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return f, counts
}

func TestEveryClientIsCountedWhole(t *testing.T) {
	want := map[string]sink.Stats{
		"troupe":        {Lines: turns * workload.LinesPerTurn},
		"troupe-8":      {Lines: turns * workload.LinesPerTurn},
		"troupe-memory": {Lines: turns * workload.LinesPerTurn},
		"otel-blocking": {Spans: turns * workload.SpansPerTurn},
		"otel-default":  {Spans: turns * workload.SpansPerTurn},
		"posthog":       {Events: turns * workload.EventsPerTurn},
	}
	for _, name := range client.Names() {
		for _, producers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", name, producers), func(t *testing.T) {
				f, counts := run(t, client.Spec{Client: name, Producers: producers})
				if f.Lost() != 0 || f.Failure != "" || len(f.Refused) > 0 {
					t.Errorf("lost %v %%, failure %q, refused %v; want nothing", f.Lost(), f.Failure, f.Refused)
				}
				w, known := want[name]
				if !known {
					t.Fatal("the table of this test has no row for the client")
				}
				if counts.Lines != w.Lines || counts.Spans != w.Spans || counts.Events != w.Events {
					t.Errorf("the sink counts %+v, want %+v", counts, w)
				}
				if f.Caller <= 0 || f.TurnsPerSecond <= 0 || f.CPU < 0 || f.PeakMB <= 0 || f.P99 < f.P50 || f.Max < f.P99 {
					t.Errorf("the figures are impossible: %+v", f)
				}
			})
		}
	}
}

func TestTurnHasTheSizeItIsSaidToHave(t *testing.T) {
	const want, tolerance = 3190, 0.05
	f, counts := run(t, client.Spec{Client: "troupe", Producers: 1})
	if got := float64(counts.Lines) / turns; got != workload.LinesPerTurn {
		t.Errorf("a turn has %v lines, want %d", got, workload.LinesPerTurn)
	}
	if math.Abs(f.BytesPerTurn-want) > tolerance*want {
		t.Errorf("a turn has %.0f bytes, want %d within %v %%", f.BytesPerTurn, want, tolerance*100)
	}
}

func TestLiveSessionsAreNotCountedAsTurns(t *testing.T) {
	f, counts := run(t, client.Spec{Client: "troupe", Producers: 1, Sessions: 7})
	if f.Lost() != 0 {
		t.Errorf("lost %v %%, want nothing", f.Lost())
	}
	if f.CreateSeconds <= 0 || f.LiveMB <= 0 {
		t.Errorf("creating took %v s and %v MB, want both above 0", f.CreateSeconds, f.LiveMB)
	}
	if least := int64(turns * workload.LinesPerTurn); counts.Lines <= least {
		t.Errorf("%d lines after Close, want more than %d: it ends the sessions", counts.Lines, least)
	}
}

func TestUnknownClientIsRefused(t *testing.T) {
	if _, err := client.Run(context.Background(), client.Spec{Client: "nobody", Budget: time.Second}); err == nil {
		t.Error("no error")
	}
}
