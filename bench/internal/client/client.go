// Package client runs the workload through one logger or another and measures it. It
// is the part of the benchmark that has a separate process for each run.
package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/sink"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// Spec specifies a run. The client's process reads it as JSON.
type Spec struct {
	Client    string        `json:"client"` // one of Names
	SinkURL   string        `json:"sinkURL"`
	Dir       string        `json:"dir"` // an empty folder for the files of the client
	Turns     int           `json:"turns"`
	Producers int           `json:"producers"` // goroutines that log turns; at least 1
	Sessions  int           `json:"sessions"`  // kept alive meanwhile; Troupe only
	Turn      workload.Turn `json:"turn"`

	// Budget is the time for everything: then deliveries are given up.
	Budget time.Duration `json:"budget"`
}

// peer is a logger under test. Its methods are called by one goroutine at a time,
// except for turn.
type peer interface {
	// turn logs one turn, each call of the logger between Begin and End. Number
	// counts the turns of all producers.
	turn(m *measure.Meter, number int)
	// deliver waits until everything logged is delivered or given up.
	deliver(ctx context.Context) error
	// refused counts the calls that the logger did not take, by reason.
	refused() map[string]int64
	// close releases the resources that deliver left open.
	close(ctx context.Context) error
}

// maker makes a peer.
type maker struct {
	make    func(context.Context, Spec) (peer, error)
	perTurn int    // how many entries the sink must count for each turn
	module  string // its version is printed
}

const (
	troupeModule  = "github.com/troupelog/troupe"
	otelModule    = "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	posthogModule = "github.com/posthog/posthog-go"
)

// makers holds the constructors of all peers, by name.
var makers = map[string]maker{
	"troupe":        {newTroupe, workload.LinesPerTurn, troupeModule},
	"troupe-8":      {newTroupeFar, workload.LinesPerTurn, troupeModule},
	"troupe-memory": {newTroupeMemory, workload.LinesPerTurn, troupeModule},
	"otel-blocking": {newOTelBlocking, workload.SpansPerTurn, otelModule},
	"otel-default":  {newOTelDefault, workload.SpansPerTurn, otelModule},
	"posthog":       {newPostHog, workload.EventsPerTurn, posthogModule},
}

// Names returns the clients that Run knows, sorted.
func Names() []string {
	names := make([]string, 0, len(makers))
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Run runs the spec and returns the figures. It fails if the client cannot
// be started or the sink cannot be asked; losses of the client are in the figures.
func Run(ctx context.Context, spec Spec) (measure.Figures, error) {
	ctx, cancel := context.WithTimeout(ctx, spec.Budget)
	defer cancel()
	how, known := makers[spec.Client]
	if !known {
		return measure.Figures{}, fmt.Errorf("client: there is no %q; there are %v", spec.Client, Names())
	}
	f := measure.Figures{
		Client: spec.Client, Version: version(how.module), Turns: spec.Turns, TimerNanos: float64(measure.TimerOverhead().Nanoseconds()),
		Expected: int64(spec.Turns * how.perTurn),
	}
	p, err := how.make(ctx, spec)
	if err != nil {
		return f, fmt.Errorf("client: start %s: %w", spec.Client, err)
	}
	if spec.Sessions > 0 {
		if err := holdSessions(ctx, p, spec, &f); err != nil {
			return f, errors.Join(err, p.close(ctx))
		}
	}
	return f, errors.Join(measured(ctx, p, spec, &f), p.close(ctx))
}

// measured runs the turns and fills in their figures.
func measured(ctx context.Context, p peer, spec Spec, f *measure.Figures) error {
	used, err := measure.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	calls := produce(p, spec)
	if err := p.deliver(ctx); err != nil {
		f.Failure = err.Error()
	}
	end, err := settle(ctx, spec.SinkURL, f.Expected)
	if err != nil {
		return err
	}
	_, peak, err := measure.Memory()
	if err != nil {
		return err
	}
	f.PeakMB = float64(peak) / 1e6
	f.Refused = p.refused()
	f.Counted = end.counts.Entries()

	turns := float64(spec.Turns)
	f.Caller = micros(calls.Total()) / turns
	f.P50, f.P99, f.Max = micros(calls.Quantile(0.5)), micros(calls.Quantile(0.99)), micros(calls.Quantile(1))
	f.TurnsPerSecond = turns / end.at.Sub(began).Seconds()
	f.CPU = micros(end.cpu-used) / turns
	f.BytesPerTurn = float64(end.counts.Bytes) / turns
	return nil
}

// produce logs all turns and returns the meters of all producers as one.
func produce(p peer, spec Spec) *measure.Meter {
	meters := make([]*measure.Meter, spec.Producers)
	for i := range meters {
		meters[i] = measure.NewMeter()
	}
	var running sync.WaitGroup
	for i, m := range meters {
		running.Go(func() {
			for n := i; n < spec.Turns; n += spec.Producers {
				p.turn(m, n)
			}
		})
	}
	running.Wait()
	for _, m := range meters[1:] {
		meters[0].Merge(m)
	}
	return meters[0]
}

// Limits of settle, for a client that reports that it is done while entries are missing.
const (
	pollEvery   = 50 * time.Millisecond
	unmovedTime = time.Second // then the sink's counts are final
)

// ending is the moment at which the sink had received everything it will receive.
type ending struct {
	at     time.Time
	cpu    time.Duration // of this process until then
	counts sink.Stats
}

// settle returns now if the sink has all that is expected, and otherwise when its
// counts have moved for the last time.
func settle(ctx context.Context, url string, expected int64) (ending, error) {
	last := ending{at: time.Now()}
	var err error
	if last.cpu, err = measure.CPU(); err != nil {
		return last, err
	}
	if last.counts, err = sink.Fetch(ctx, url); err != nil {
		return last, err
	}
	for last.counts.Entries() < expected && time.Since(last.at) < unmovedTime {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(pollEvery):
		}
		counts, err := sink.Fetch(ctx, url)
		if err != nil {
			return last, err
		}
		if counts == last.counts {
			continue
		}
		last = ending{at: time.Now(), counts: counts}
		if last.cpu, err = measure.CPU(); err != nil {
			return last, err
		}
	}
	return last, nil
}

// version returns the version of a module in this program, "" if it is not known.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		switch {
		case m.Path != module:
		case m.Replace != nil:
			return "of this checkout"
		default:
			return m.Version
		}
	}
	return ""
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
