package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"time"
)

// maxCall limits the time of a call that logs, for 99 of 100, while the server is
// down: R6.
const maxCall = 5 * time.Millisecond

func outage(fs *flag.FlagSet) func(*trial) error {
	duration := fs.Duration("d", time.Minute, "how long the server is down")
	rate := fs.Int("rate", 1000, "entries per second")
	flood := fs.Float64("flood", 0, "instead, log so many `million` entries as fast as they are accepted")
	return func(t *trial) error {
		const parts = 16
		s := streamJob{Size: 430, Rate: float64(*rate) / parts}
		j := job{
			Spool: filepath.Join(t.dir, "spool"), Name: "o", FlushInterval: 200 * time.Millisecond,
			Sessions: parts, Syncs: 100 * time.Millisecond, Seed: t.rnd.Uint64(),
		}
		if *flood > 0 {
			s.Rate, s.Count = 0, int(*flood*1e6/parts)
			j.MaxWait, j.MaxSpoolBytes = time.Minute, 1<<40
		}
		j.Streams = streams(parts, parts, s)
		return t.outage(j, *duration)
	}
}

func (t *trial) outage(j job, duration time.Duration) error {
	receiver, server, err := t.counting()
	if err != nil {
		return err
	}
	defer server.Down()
	server.Down()
	j.URL = server.URL()
	p, err := t.launch(j)
	if err != nil {
		return err
	}
	r, err := t.untilLogged(p, duration)
	if err != nil {
		p.kill()
		return err
	}
	t.note("accepted", r.Stats.Accepted)
	t.note("per_s", int(float64(r.Stats.Accepted)/r.Offered.Seconds()))
	t.exactly("rejected", r.Stats.Rejected, 0)
	t.note("spooled_mb", int(megabytes(r.Stats.SpoolBytes)))
	t.note("caller_p50_us", r.Call.P50.Microseconds())
	if j.Streams[0].Rate > 0 {
		t.soonEnough("caller_p99_us", float64(r.Call.P99.Microseconds()), float64(maxCall.Microseconds()))
	} else {
		t.note("caller_p99_us", r.Call.P99.Microseconds())
	}
	t.note("rss_logging_mb", int(megabytes(r.Usage.PeakRSS-r.Baseline)))
	t.note("syncs", r.Sync.Count)
	t.note("sync_p50_ms", fmt.Sprintf("%.2f", milliseconds(r.Sync.P50)))
	t.note("sync_p99_ms", fmt.Sprintf("%.2f", milliseconds(r.Sync.P99)))
	t.logf("the server comes back: %v", r.Stats)
	if err := server.Up(); err != nil {
		p.kill()
		return err
	}
	end, err := t.drainAndEnd(p, drainTime)
	if err != nil {
		return err
	}
	t.note("drain_s", fmt.Sprintf("%.1f", end.Took.Seconds()))
	t.atMost("rss_mb", megabytes(end.Usage.PeakRSS-end.Baseline), maxGrowth)
	t.note("delivered", receiver.Count().Entries)
	t.note("duplicates", receiver.Count().Duplicates)
	t.arrived(end.Streams, receiver.Tally)
	return nil
}

// untilLogged waits until a worker has logged all its entries, or for the duration.
func (t *trial) untilLogged(p *process, duration time.Duration) (report, error) {
	if err := p.awaitReady(); err != nil {
		return report{}, err
	}
	if p.job.Streams[0].Count > 0 {
		if _, err := p.ask(cmdFinish, time.Hour); err != nil {
			return report{}, err
		}
	} else if err := pause(t.ctx, duration); err != nil {
		return report{}, err
	}
	return p.ask(cmdStop, time.Hour)
}
