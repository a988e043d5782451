package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// closeSlack is the extra time that Close may take after its context has ended: R17.
const closeSlack = 200 * time.Millisecond

func shutdown(fs *flag.FlagSet) func(*trial) error {
	rounds := fs.Int("n", 5, "how many `rounds`")
	entries := fs.Int("entries", 100_000, "how many are pending")
	open := fs.Int("open", 1_000_000, "how many sessions, traces and spans are open")
	return func(t *trial) error {
		s := &shutdownTrial{trial: t, promised: promises{}}
		var err error
		if s.receiver, s.server, err = t.counting(); err != nil {
			return err
		}
		defer s.server.Down()
		for i := range *rounds {
			hole := shutdownRound{name: fmt.Sprintf("hole%d", i), fault: chaos.Stall, entries: *entries, size: 200, limit: 5 * time.Second}
			// As after a signal: one large request is on its way.
			post := shutdownRound{name: fmt.Sprintf("post%d", i), fault: chaos.Trickle, entries: 1600, size: 2000, limit: time.Second}
			if err := errors.Join(s.round(hole), s.round(post)); err != nil {
				return err
			}
		}
		t.note("rounds", 2**rounds)
		t.note("pending", s.pending)
		t.note("delivered", s.receiver.Count().Entries)
		t.atMost("next_rss_mb", megabytes(s.memory), maxGrowth)
		t.within("longest_over", s.longest, closeSlack)
		t.arrived(s.promised, s.receiver.Tally)
		return t.leftOpen(*open)
	}
}

type shutdownTrial struct {
	*trial
	receiver *arrivals.Receiver
	server   *chaos.Server
	promised promises
	pending  int64         // after Close
	longest  time.Duration // that Close took over its limit
	memory   int64         // largest memory of a process that found the remaining entries
}

// shutdownRound is a Close while the server takes requests and does not answer.
type shutdownRound struct {
	name          string
	fault         chaos.Fault
	entries, size int
	limit         time.Duration // of Close
}

func (s *shutdownTrial) round(r shutdownRound) error {
	const parts = 16
	s.server.Inject(chaos.Mix{r.fault: 1})
	before := s.server.Count().Posts
	p, err := s.launch(job{
		URL: s.server.URL(), Spool: filepath.Join(s.dir, "spool"), Name: r.name, FlushInterval: 10 * time.Millisecond, MaxWait: time.Minute,
		Sessions: parts, Streams: streams(parts, parts, streamJob{Size: r.size, Count: r.entries / parts}),
	})
	if err != nil {
		return err
	}
	end, err := s.closeUnder(p, r, before)
	if err != nil {
		p.kill()
		return err
	}
	s.check(r, end)
	s.server.Inject(nil)
	next, err := s.deliver(job{URL: s.server.URL(), Spool: filepath.Join(s.dir, "spool"), Name: r.name + "next", FlushInterval: 10 * time.Millisecond}, drainTime)
	s.memory = max(s.memory, next.Usage.PeakRSS-next.Baseline)
	return err
}

// closeUnder closes the logger while a request is under way.
func (s *shutdownTrial) closeUnder(p *process, r shutdownRound, before int64) (report, error) {
	if err := p.awaitReady(); err != nil {
		return report{}, err
	}
	if _, err := p.ask(cmdFinish, drainTime); err != nil {
		return report{}, err
	}
	for s.server.Count().Posts == before {
		if err := pause(s.ctx, time.Millisecond); err != nil {
			return report{}, err
		}
	}
	end, err := p.ask(cmdClose, r.limit)
	if err != nil {
		return end, err
	}
	return end, p.end()
}

// check reports violations of the guarantees of Close.
func (s *shutdownTrial) check(r shutdownRound, end report) {
	s.promised.add(end.Streams)
	s.pending += end.Stats.Pending
	over := end.Took - r.limit
	s.longest = max(s.longest, over)
	s.logf("%s: Close took %v, %d pending: %s", r.name, end.Took, end.Stats.Pending, end.Err)
	s.balanced(end)
	if end.Stats.Pending < int64(r.entries) {
		s.miss("%s: %d of %d are pending", r.name, end.Stats.Pending, r.entries)
	}
	if end.Err == "" || end.Pending != int(end.Stats.Pending) {
		s.miss("%s: the error of Close reports %d entries, but %d are pending: %q", r.name, end.Pending, end.Stats.Pending, end.Err)
	}
}
