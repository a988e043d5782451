package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// maxGrowth limits the memory that a logger may add to its process, in
// MiB.
const maxGrowth = 64

// drainTime limits the delivery of everything after the last entry.
const drainTime = 5 * time.Minute

func chaosCommand(fs *flag.FlagSet) func(*trial) error {
	c := &chaosTrial{mix: chaos.Mix{chaos.Refuse: 0.25, chaos.ResetAfter: 0.25}}
	fs.DurationVar(&c.duration, "d", time.Minute, "how long entries come, for each server")
	fs.IntVar(&c.rate, "rate", 10_000, "entries per second")
	clean := fs.Bool("clean", false, "refuse only, with 5xx and 429, and break nothing")
	return func(t *trial) error {
		c.trial = t
		if *clean {
			c.mix = chaos.Mix{chaos.Refuse: 0.25, chaos.Throttle: 0.05}
		}
		return c.run()
	}
}

// chaosTrial sends entries to two servers with the same faults.
type chaosTrial struct {
	*trial
	mix      chaos.Mix
	duration time.Duration
	rate     int
}

// target is one of the servers, and the report of the process that has sent to it.
type target struct {
	name   string
	server *chaos.Server
	seed   uint64
	report report
	err    error
}

func (c *chaosTrial) run() (err error) {
	receiver := arrivals.NewReceiver()
	store, err := collector.New(collector.Config{Dir: filepath.Join(c.dir, "collector")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(c.ctx))) }()
	plain, collecting := &target{name: "plain"}, &target{name: "collector"}
	if err := errors.Join(c.serve(plain, receiver), c.serve(collecting, store)); err != nil {
		return err
	}
	defer plain.server.Down()
	defer collecting.server.Down()
	var all sync.WaitGroup
	for _, to := range []*target{plain, collecting} {
		all.Go(func() { to.report, to.err = c.send(to) })
	}
	all.Wait()
	if err := errors.Join(plain.err, collecting.err); err != nil {
		return err
	}
	c.plainFigures(plain, receiver)
	return c.collectorFigures(collecting)
}

func (c *chaosTrial) serve(to *target, handler http.Handler) (err error) {
	to.seed = c.rnd.Uint64()
	if to.server, err = chaos.Start(handler, seeded(c.rnd.Uint64())); err != nil {
		return err
	}
	to.server.Inject(c.mix)
	return nil
}

// plainFigures notes the arrivals at a server that cannot recognize repeated lines.
func (c *chaosTrial) plainFigures(to *target, receiver *arrivals.Receiver) {
	c.senderFigures("", to.report)
	c.note("delivered", receiver.Count().Entries)
	c.arrived(to.report.Streams, receiver.Tally)
	c.note("expected_duplicates", to.server.Count().Unanswered)
	c.exactly("duplicates", receiver.Count().Duplicates, to.server.Count().Unanswered)
}

// collectorFigures notes the lines that a collector has stored.
func (c *chaosTrial) collectorFigures(to *target) error {
	to.server.Inject(nil)
	tally := arrivals.NewTally()
	if err := stored(c.ctx, to.server.URL(), tally); err != nil {
		return err
	}
	c.senderFigures("collector_", to.report)
	c.note("collector_delivered", tally.Count().Entries)
	c.note("collector_resent", to.server.Count().Unanswered)
	c.exactly("collector_lost", promises(to.report.Streams).lost(tally), 0)
	c.exactly("stored_duplicates", tally.Count().Duplicates, 0)
	c.exactly("collector_order_violations", tally.Count().Disorder, 0)
	c.exactly("collector_wrong", tally.Count().Wrong, 0)
	return nil
}

func (c *chaosTrial) senderFigures(prefix string, r report) {
	c.note(prefix+"accepted", r.Stats.Accepted)
	c.note(prefix+"drain_s", fmt.Sprintf("%.1f", r.Took.Seconds()))
	c.atMost(prefix+"rss_mb", megabytes(r.Usage.PeakRSS-r.Baseline), maxGrowth)
}

// send logs for a while, waits until everything is delivered, and returns the report of
// the end.
func (c *chaosTrial) send(to *target) (report, error) {
	const sessions = 100
	p, err := c.launch(job{
		URL: to.server.URL(), Spool: filepath.Join(c.dir, "spool-"+to.name), Name: to.name, FlushInterval: 200 * time.Millisecond,
		Sessions: sessions, Streams: streams(sessions, sessions, streamJob{Size: 430, Rate: float64(c.rate) / sessions}), Seed: to.seed,
	})
	if err != nil {
		return report{}, err
	}
	if err := errors.Join(p.awaitReady(), pause(c.ctx, c.duration)); err != nil {
		p.kill()
		return report{}, err
	}
	r, err := p.ask(cmdStop, drainTime)
	if err != nil {
		p.kill()
		return r, err
	}
	c.logf("%s: %v, %d rejected %v, %d posts", to.name, r.Stats, r.Stats.Rejected, r.RejectedBecause, to.server.Count().Posts)
	return c.drainAndEnd(p, max(drainTime, 10*c.duration))
}

// stored counts the lines that a collector has.
func stored(ctx context.Context, address string, tally *arrivals.Tally) error {
	for after, more := uint64(0), true; more; {
		last, err := page(ctx, fmt.Sprintf("%s/api/v1/repositories/%s/lines?after=%d&limit=10000", address, repository, after), tally)
		if err != nil {
			return err
		}
		more, after = last > after, max(last, after)
	}
	return nil
}

// page counts the lines of one answer and returns the number of the last one, 0 if
// there is none.
func page(ctx context.Context, address string, tally *arrivals.Tally) (last uint64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("reading the stored lines: %s", resp.Status)
	}
	for lines := json.NewDecoder(resp.Body); lines.More(); {
		var line collector.StoredLine
		if err := lines.Decode(&line); err != nil {
			return 0, err
		}
		tally.Line([]byte(line.Line))
		last = line.Seq
	}
	return last, nil
}
