package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// lossWindow is the time before a kill in which entries may be lost that were accepted
// and not acknowledged: R8. It assumes a disk that takes no time; with a real one,
// two syncs are added, the one that is under way when the entry comes, and its own.
const lossWindow = 20 * time.Millisecond

// plainBytes is the largest entry of a process that counts for lossWindow: with larger
// ones, and with attachments, the disk needs longer.
const plainBytes = 1000

func crash(fs *flag.FlagSet) func(*trial) error {
	kills := fs.Int("n", 200, "how many `kills`")
	return func(t *trial) error {
		c, err := t.newCrash()
		if err != nil {
			return err
		}
		defer c.server.Down()
		disk, err := t.startProbe()
		if err != nil {
			return err
		}
		err = c.rounds(*kills)
		synced := disk.end()
		if err := errors.Join(err, c.verdict()); err != nil {
			return err
		}
		c.windowFigures(synced)
		return nil
	}
}

func (t *trial) newCrash() (*crashTrial, error) {
	c := &crashTrial{trial: t, acked: promises{}}
	var err error
	if c.journal, err = os.MkdirTemp(t.dir, "journal"); err != nil {
		return nil, err
	}
	c.receiver, c.server, err = t.counting()
	return c, err
}

// crashTrial kills one process after the other; all have the same spool.
type crashTrial struct {
	*trial
	receiver *arrivals.Receiver
	server   *chaos.Server
	journal  string
	acked    promises
	deaths   []death
	starting int // kills before the logger was open
	closing  int // kills while it closed
}

// death is the end of a process.
type death struct {
	at       time.Time
	accepted map[string][]time.Time // by stream
	plain    bool                   // it logged no more than any disk takes at once
}

func (c *crashTrial) rounds(n int) error {
	for i := range n {
		if err := c.round(i); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
		if (i+1)%50 == 0 {
			c.logf("%d kills, %d entries acknowledged, %d arrived", i+1, c.acked.total(), c.receiver.Count().Entries)
		}
	}
	return nil
}

// round starts a process and kills it.
func (c *crashTrial) round(i int) error {
	if err := c.weather(); err != nil {
		return err
	}
	p, err := c.launch(c.job(i))
	if err != nil {
		return err
	}
	at, err := c.killSometime(p)
	if err != nil {
		return err
	}
	if text := p.crashed(); text != "" {
		return fmt.Errorf("the process failed by itself: %s", text)
	}
	c.acked.add(p.acked())
	d := death{at: at, accepted: map[string][]time.Time{}, plain: true}
	for s, job := range p.job.Streams {
		name := fmt.Sprintf("%sp%d", p.job.Name, s)
		times, err := readJournal(c.journal, name)
		if err != nil {
			return err
		}
		if job.Attachment || job.Size > plainBytes {
			d.plain = false
		}
		d.accepted[name] = times
	}
	c.deaths = append(c.deaths, d)
	return nil
}

// weather decides how the server is in the next round.
func (c *crashTrial) weather() error {
	draw := c.rnd.IntN(100)
	if draw < 30 {
		c.server.Down()
		return nil
	}
	switch {
	case draw < 60:
		c.server.Inject(nil)
	case draw < 70:
		c.server.Inject(chaos.Mix{chaos.Stall: 0.5, chaos.Slow: 0.5})
	default:
		c.server.Inject(chaos.Mix{chaos.Refuse: 0.1, chaos.ResetBefore: 0.1, chaos.ResetAfter: 0.1, chaos.HalfAnswer: 0.1, chaos.Slow: 0.3})
	}
	return c.server.Up()
}

// job returns the job of the next process: 16 streams in 5 sessions, mostly.
func (c *crashTrial) job(i int) job {
	j := job{
		URL: c.server.URL(), Spool: filepath.Join(c.dir, "spool"), Name: fmt.Sprintf("r%d", i), Journal: c.journal,
		FlushInterval: 10 * time.Millisecond, MaxWait: time.Second, Sessions: 5, Seed: c.rnd.Uint64(),
	}
	s := streamJob{Size: 300, Rate: 500}
	if c.rnd.IntN(2) == 0 {
		s.SyncEvery = 20
	}
	if c.rnd.IntN(10) == 0 {
		s.Size, s.Rate = 64<<10, 100 // some segments are full in 100 ms
	}
	j.Streams = streams(16, j.Sessions, s)
	if c.rnd.IntN(3) == 0 {
		j.Streams = append(j.Streams, streams(4, j.Sessions, streamJob{Size: 20 << 10, Rate: 200, SyncEvery: 5, Attachment: true})...)
	}
	if c.rnd.IntN(10) == 0 {
		j.Streams = append(j.Streams, streamJob{Size: 1_000_000, Rate: 20, SyncEvery: 2}) // too long for a post
	}
	return j
}

// killSometime kills a process while it starts and recovers, works, or closes.
func (c *crashTrial) killSometime(p *process) (time.Time, error) {
	when := c.rnd.IntN(100)
	if when < 15 {
		err := pause(c.ctx, time.Duration(c.rnd.IntN(40_000))*time.Microsecond)
		at := p.kill()
		if !p.wasReady() {
			c.starting++
		}
		return at, err
	}
	if err := p.awaitReady(); err != nil {
		p.kill()
		return time.Time{}, err
	}
	if err := pause(c.ctx, time.Duration(c.rnd.IntN(120_000))*time.Microsecond); err != nil {
		p.kill()
		return time.Time{}, err
	}
	if when < 30 {
		c.closing++
		if err := p.say(cmdClose, 30*time.Millisecond); err != nil {
			p.kill()
			return time.Time{}, err
		}
		err := pause(c.ctx, time.Duration(c.rnd.IntN(60_000))*time.Microsecond)
		return p.kill(), err
	}
	return p.kill(), nil
}

// verdict lets a last process deliver everything, and counts.
func (c *crashTrial) verdict() error {
	c.server.Inject(nil)
	if err := c.server.Up(); err != nil {
		return err
	}
	r, err := c.deliver(job{URL: c.server.URL(), Spool: filepath.Join(c.dir, "spool"), Name: "last", FlushInterval: 10 * time.Millisecond}, 2*time.Minute)
	if err != nil {
		return err
	}
	c.note("kills", len(c.deaths))
	c.note("starting", c.starting)
	c.note("closing", c.closing)
	c.note("acked", c.acked.total())
	c.note("delivered", c.receiver.Count().Entries)
	c.note("duplicates", c.receiver.Count().Duplicates)
	c.exactly("dead", r.Stats.Dead, 0)
	c.arrived(c.acked, c.receiver.Tally)
	return nil
}

// windowFigures tells how much that was not acknowledged the kills have cost, and how
// long the disk took to sync meanwhile.
func (c *crashTrial) windowFigures(disk quantiles) {
	plain, other := c.windows()
	c.note("window_bulk_ms_p99", int(milliseconds(highest(other, 0.99))))
	c.note("window_ms_max", int(milliseconds(highest(plain, 1))))
	c.note("disk_ms_p99", fmt.Sprintf("%.1f", milliseconds(disk.P99)))
	c.soonEnough("window_ms_p99", milliseconds(highest(plain, 0.99)), milliseconds(lossWindow+2*disk.P99))
}

// windows returns, for each kill, how long before it the oldest entry was accepted that
// was lost, shortest first: for plain processes, and for others.
func (c *crashTrial) windows() (plain, other []time.Duration) {
	for _, d := range c.deaths {
		longest := time.Duration(0)
		for stream, times := range d.accepted {
			for _, i := range c.receiver.Missing(stream, len(times)) {
				longest = max(longest, d.at.Sub(times[i]))
			}
		}
		if d.plain {
			plain = append(plain, longest)
		} else {
			other = append(other, longest)
		}
	}
	slices.Sort(plain)
	slices.Sort(other)
	return plain, other
}

// highest returns a quantile of sorted durations, 0 of none.
func highest(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
