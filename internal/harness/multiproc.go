package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
	"github.com/troupelog/troupe/internal/spool"
)

const (
	// adoptWithin limits the time until another process delivers the entries that a killed
	// one has left, R18: the time between two looks for it, and that time again.
	adoptWithin = 2 * 5 * time.Second
	// replaceWithin limits the time that a killed process is missing.
	replaceWithin = 8 * time.Second
)

func multiproc(fs *flag.FlagSet) func(*trial) error {
	procs := fs.Int("n", 8, "how many `processes`")
	duration := fs.Duration("d", 30*time.Second, "how long they are killed")
	return func(t *trial) error {
		m := &multiprocTrial{trial: t, spool: filepath.Join(t.dir, "spool"), promised: promises{}}
		var err error
		if m.receiver, m.server, err = t.counting(); err != nil {
			return err
		}
		defer m.server.Down()
		m.server.Inject(chaos.Mix{chaos.Slow: 0.3})
		defer m.killAll()
		if err := m.run(*procs, *duration); err != nil {
			return err
		}
		t.note("procs", *procs)
		return m.verdict()
	}
}

// multiprocTrial has some processes that share a spool, and kills them.
type multiprocTrial struct {
	*trial
	receiver *arrivals.Receiver
	server   *chaos.Server
	spool    string
	promised promises
	alive    []*process
	replace  []time.Time // when the missing ones are started, each
	started  int
	kills    int
	orphans  []orphaned
	adopted  []time.Duration
}

// orphaned holds the entries that a killed process had acknowledged.
type orphaned struct {
	name     string
	at       time.Time
	promised promises
}

// run starts processes and kills them for a while.
func (m *multiprocTrial) run(procs int, duration time.Duration) error {
	for range procs {
		m.replace = append(m.replace, time.Now())
	}
	end := time.Now().Add(duration)
	next := time.Now().Add(time.Second)
	for now := time.Now(); now.Before(end); now = time.Now() {
		if err := m.startDue(now); err != nil {
			return err
		}
		if now.After(next) && len(m.alive) > 1 {
			if err := m.killOne(); err != nil {
				return err
			}
			next = now.Add(time.Duration(200+m.rnd.IntN(600)) * time.Millisecond)
		}
		m.look()
		if err := pause(m.ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// startDue starts the processes whose time has come.
func (m *multiprocTrial) startDue(now time.Time) error {
	for i := 0; i < len(m.replace); i++ {
		if m.replace[i].After(now) {
			continue
		}
		m.replace = slices.Delete(m.replace, i, i+1)
		i--
		m.started++
		p, err := m.launch(job{
			URL: m.server.URL(), Spool: m.spool, Name: fmt.Sprintf("m%d", m.started), FlushInterval: 2 * time.Second, Sessions: 2,
			Streams: streams(4, 2, streamJob{Size: 300, Rate: 100, SyncEvery: 10}), Seed: m.rnd.Uint64(),
		})
		if err != nil {
			return err
		}
		m.alive = append(m.alive, p)
	}
	return nil
}

// killOne kills any process; sometimes one that only starts.
func (m *multiprocTrial) killOne() error {
	i := m.rnd.IntN(len(m.alive))
	p := m.alive[i]
	m.alive = slices.Delete(m.alive, i, i+1)
	at := p.kill()
	if text := p.crashed(); text != "" {
		return fmt.Errorf("a process failed by itself: %s", text)
	}
	m.kills++
	acked := promises(p.acked())
	m.promised.add(acked)
	if acked.lost(m.receiver.Tally) > 0 {
		m.orphans = append(m.orphans, orphaned{p.job.Name, at, acked})
	}
	m.replace = append(m.replace, at.Add(time.Duration(m.rnd.Int64N(int64(replaceWithin)))))
	return nil
}

// look notes the adopted slots.
func (m *multiprocTrial) look() {
	m.orphans = slices.DeleteFunc(m.orphans, func(o orphaned) bool {
		if o.promised.lost(m.receiver.Tally) > 0 {
			return false
		}
		m.adopted = append(m.adopted, time.Since(o.at))
		return true
	})
}

// verdict ends the processes, lets a last one adopt the remaining slots, and counts.
func (m *multiprocTrial) verdict() error {
	if err := m.awaitAdoption(); err != nil {
		return err
	}
	for len(m.alive) > 0 {
		p := m.alive[0]
		m.alive = m.alive[1:]
		err := p.awaitReady()
		if err == nil {
			_, err = p.ask(cmdStop, patience)
		}
		if err != nil {
			p.kill()
			return err
		}
		r, err := m.drainAndEnd(p, patience)
		if err != nil {
			return err
		}
		m.promised.add(r.Streams)
	}
	slices.Sort(m.adopted)
	m.note("kills", m.kills)
	m.note("acked", m.promised.total())
	m.note("duplicates", m.receiver.Count().Duplicates)
	m.note("adoptions", len(m.adopted))
	m.within("adopt_p99", highest(m.adopted, 0.99), adoptWithin)
	m.within("adopt_max", highest(m.adopted, 1), 2*adoptWithin)
	m.arrived(m.promised, m.receiver.Tally)
	return m.inspect()
}

// awaitAdoption waits until everything that killed processes left is delivered.
func (m *multiprocTrial) awaitAdoption() error {
	for deadline := time.Now().Add(patience); len(m.orphans) > 0; m.look() {
		if time.Now().After(deadline) {
			for _, o := range m.orphans {
				m.miss("%v after %s was killed, nobody has adopted its slot", time.Since(o.at), o.name)
			}
			return nil
		}
		if err := pause(m.ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// inspect looks for entries that are left in the spool, or damaged.
func (m *multiprocTrial) inspect() error {
	slots, err := spool.Inspect(m.spool)
	if err != nil {
		return err
	}
	var corrupt int64
	var errs []error
	for i := range slots {
		damage, err := slots[i].Damage(nil)
		errs = append(errs, err, slots[i].Problem)
		corrupt += int64(len(damage))
	}
	m.note("slots", len(slots))
	m.exactly("corrupt", corrupt, 0)
	return errors.Join(errs...)
}

func (m *multiprocTrial) killAll() {
	for _, p := range m.alive {
		p.kill()
	}
}
