package main

import (
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/internal/harness/chaos"
)

const (
	// maxSlope limits the growth of memory, in MiB per hour: R24.
	maxSlope = 1
	// slopeAfter is the shortest run whose slope is significant.
	slopeAfter = 10 * time.Minute
	// flat limits the files or goroutines that there are more at the end than at the
	// beginning, on average: connections come and go.
	flat = 5
)

func soak(fs *flag.FlagSet) func(*trial) error {
	duration := fs.Duration("d", 30*time.Minute, "how long")
	rate := fs.Float64("rate", 1000, "entries per second")
	return func(t *trial) error {
		receiver, server, err := t.counting()
		if err != nil {
			return err
		}
		defer server.Down()
		const parts = 20
		s := &soakTrial{trial: t, server: server}
		p, err := t.launch(job{
			URL: server.URL(), Spool: filepath.Join(t.dir, "spool"), Name: "k", FlushInterval: 500 * time.Millisecond, Sessions: parts, Syncs: time.Second,
			Streams: append(streams(parts, parts, streamJob{Size: 430, Rate: *rate / parts}), streamJob{Size: 10_000, Rate: 5, Attachment: true}), Seed: t.rnd.Uint64(),
		})
		if err != nil {
			return err
		}
		if err := s.run(p, *duration); err != nil {
			p.kill()
			return err
		}
		end, err := t.drainAndEnd(p, max(drainTime, *duration/2))
		if err != nil {
			return err
		}
		t.note("accepted", end.Stats.Accepted)
		t.exactly("rejected", end.Stats.Rejected, 0)
		t.note("delivered", receiver.Count().Entries)
		t.note("duplicates", receiver.Count().Duplicates)
		t.note("peak_mb", int(megabytes(end.Usage.PeakRSS-end.Baseline)))
		s.trends(*duration)
		t.arrived(end.Streams, receiver.Tally)
		return nil
	}
}

// soakTrial changes the faults all the time and watches a process.
type soakTrial struct {
	*trial
	server  *chaos.Server
	samples []sample
}

// sample is the usage of a process at a time.
type sample struct {
	at time.Duration // since the start
	usage
}

// run lets a process work for a while and stops its streams.
func (s *soakTrial) run(p *process, duration time.Duration) error {
	if err := p.awaitReady(); err != nil {
		return err
	}
	start := time.Now()
	change := time.Duration(0)
	for second := 1; ; second++ {
		if err := pause(s.ctx, time.Until(start.Add(time.Duration(second)*time.Second))); err != nil {
			return err
		}
		r, err := p.ask(cmdReport, patience)
		if err != nil {
			return err
		}
		at := time.Since(start)
		s.samples = append(s.samples, sample{at, r.Usage})
		if second%60 == 0 {
			s.logf("%v: %v, rss %.1f MiB, %d files, %d goroutines", at.Round(time.Second), r.Stats, megabytes(r.Usage.RSS), r.Usage.Files, r.Usage.Goroutines)
		}
		if at > duration {
			break
		}
		if at > change {
			if err := s.weather(); err != nil {
				return err
			}
			change = at + time.Duration(1000+s.rnd.IntN(4000))*time.Millisecond
		}
	}
	s.server.Inject(nil)
	if err := s.server.Up(); err != nil {
		return err
	}
	_, err := p.ask(cmdStop, patience)
	return err
}

// weather decides how the server is for some seconds.
func (s *soakTrial) weather() error {
	if s.rnd.IntN(10) == 0 {
		s.server.Down()
		return nil
	}
	s.server.Inject([]chaos.Mix{
		nil, nil, nil,
		{chaos.Refuse: 0.3},
		{chaos.Throttle: 0.2},
		{chaos.ResetBefore: 0.2, chaos.ResetAfter: 0.2},
		{chaos.HalfAnswer: 0.2, chaos.Slow: 0.5},
		{chaos.Stall: 0.05, chaos.Slow: 0.2},
	}[s.rnd.IntN(8)])
	return s.server.Up()
}

// trends says whether memory, files and goroutines grow, after the first fifth.
func (s *soakTrial) trends(duration time.Duration) {
	all := s.samples[len(s.samples)/5:]
	x, y := make([]float64, len(all)), make([]float64, len(all))
	for i, a := range all {
		x[i], y[i] = a.at.Hours(), megabytes(a.RSS)
	}
	slope, margin := fit(x, y)
	s.note("rss_mb_per_h_margin", fmt.Sprintf("%.2f", margin))
	if duration < slopeAfter {
		s.note("rss_mb_per_h", fmt.Sprintf("%.2f", slope))
	} else {
		// A slope within the noise is no failure.
		s.note("rss_mb_per_h", fmt.Sprintf("%.2f", slope))
		s.atMost("rss_mb_per_h_at_least", slope-margin, maxSlope)
	}
	quarter := max(1, len(all)/4)
	first, last := mean(all[:quarter]), mean(all[len(all)-quarter:])
	s.atMost("files_more", last.files-first.files, flat)
	s.atMost("goroutines_more", last.goroutines-first.goroutines, flat)
}

// fit returns the slope of a straight line through points, by least squares, and how far
// from it the true one can be, with a confidence of 95 % if the points were independent.
func fit(x, y []float64) (slope, margin float64) {
	n := float64(len(x))
	if n < 3 {
		return 0, math.Inf(1)
	}
	var meanX, meanY, xx, xy float64
	for i := range x {
		meanX, meanY = meanX+x[i]/n, meanY+y[i]/n
	}
	for i := range x {
		xx += (x[i] - meanX) * (x[i] - meanX)
		xy += (x[i] - meanX) * (y[i] - meanY)
	}
	slope = xy / xx
	var residual float64
	for i := range x {
		d := y[i] - meanY - slope*(x[i]-meanX)
		residual += d * d
	}
	return slope, 1.96 * math.Sqrt(residual/(n-2)/xx)
}

type means struct{ files, goroutines float64 }

func mean(samples []sample) (m means) {
	for _, s := range samples {
		m.files += float64(s.Files) / float64(len(samples))
		m.goroutines += float64(s.Goroutines) / float64(len(samples))
	}
	return m
}
