package scale_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/scale"
)

// recorder is a runner that notes what it is to run and makes figures up.
type recorder struct {
	specs     []client.Spec
	latencies []time.Duration
	lose      int64 // of each run
}

func (r *recorder) Client(_ context.Context, spec client.Spec, latency time.Duration) (measure.Figures, error) {
	r.specs, r.latencies = append(r.specs, spec), append(r.latencies, latency)
	return measure.Figures{
		Client: spec.Client, Turns: spec.Turns, TurnsPerSecond: 50_000, CPU: 20, Caller: 8, P50: 1, P99: 10, Max: 100, PeakMB: 50,
		CreateSeconds: 0.5, LiveMB: 40, Expected: 100, Counted: 100 - r.lose,
	}, nil
}

func TestEachDimensionChangesOneThing(t *testing.T) {
	for name, of := range map[string]func(client.Spec) int{
		"turns":     func(s client.Spec) int { return s.Turns },
		"sessions":  func(s client.Spec) int { return s.Sessions },
		"producers": func(s client.Spec) int { return s.Producers },
		"payload":   func(s client.Spec) int { return len(s.Turn.Answer) },
	} {
		var r recorder
		c := scale.Config{What: []string{name}, Max: 1_000_000, Dir: t.TempDir()}
		if err := scale.Measure(t.Context(), c, &r, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
		var values []int
		for _, s := range r.specs {
			values = append(values, of(s))
			if s.Client != "troupe" || s.Producers < 1 || s.Turns < 1 {
				t.Errorf("%s: runs %+v", name, s)
			}
		}
		if !slices.IsSorted(values) || len(slices.Compact(slices.Clone(values))) != len(values) || len(values) < 4 {
			t.Errorf("%s grows through %v", name, values)
		}
	}
}

func TestLatencyGrowsFromZero(t *testing.T) {
	var r recorder
	c := scale.Config{What: []string{"latency"}, Max: 1000, Dir: t.TempDir()}
	if err := scale.Measure(t.Context(), c, &r, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if last := r.latencies[len(r.latencies)-1]; r.latencies[0] != 0 || last != 200*time.Millisecond || !slices.IsSorted(r.latencies) {
		t.Errorf("latencies are %v", r.latencies)
	}
}

func TestMaxBoundsEveryRun(t *testing.T) {
	var r recorder
	c := scale.Config{What: scale.Names(), Max: 1000, Dir: t.TempDir()}
	if err := scale.Measure(t.Context(), c, &r, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.specs {
		if s.Turns > c.Max {
			t.Errorf("a run has %d turns, want at most %d", s.Turns, c.Max)
		}
	}
}

func TestFilesHoldThePoints(t *testing.T) {
	c := scale.Config{What: []string{"turns", "sessions"}, Max: 100_000, Dir: filepath.Join(t.TempDir(), "new")}
	if err := scale.Measure(t.Context(), c, new(recorder), new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"turns.svg", "sessions.svg", "sessions-memory.svg"} {
		if info, err := os.Stat(filepath.Join(c.Dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	file, err := os.Open(filepath.Join(c.Dir, "turns.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for _, record := range records {
		points = append(points, record[0])
	}
	if diff := cmp.Diff([]string{"turns", "1000", "10000", "100000"}, points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

func TestLossIsAnErrorBehindTheResults(t *testing.T) {
	c := scale.Config{What: []string{"turns"}, Max: 1000, Dir: t.TempDir()}
	var out bytes.Buffer
	if err := scale.Measure(t.Context(), c, &recorder{lose: 1}, &out); !errors.Is(err, scale.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	if !bytes.Contains(out.Bytes(), []byte("99 of 100 entries counted")) {
		t.Errorf("the output does not report the missing entries:\n%s", out.String())
	}
}

func TestUnknownDimensionIsRefused(t *testing.T) {
	var r recorder
	if err := scale.Measure(t.Context(), scale.Config{What: []string{"turns", "moons"}, Dir: t.TempDir()}, &r, new(bytes.Buffer)); err == nil || len(r.specs) > 0 {
		t.Errorf("got %v behind %d runs, want an error and none", err, len(r.specs))
	}
}
