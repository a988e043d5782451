package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
)

// attack repeats the faults found by people who attacked the logger and the collector from
// outside: answers that are no answers, lines that are refused inside a 200, damaged files,
// clocks that jump, and strangers at the collector's door.
func attack(fs *flag.FlagSet) func(*trial) error {
	a := &attackTrial{}
	fs.BoolVar(&a.short, "short", false, "less of everything, as CI runs it")
	only := fs.String("only", "", "run these `parts`, separated by commas: "+strings.Join(attackNames(), ", "))
	return func(t *trial) error {
		a.trial = t
		return a.run(*only)
	}
}

// attackPart is one subject of the attack.
type attackPart struct {
	name string
	run  func(*attackTrial) error
}

func attackParts() []attackPart {
	return []attackPart{
		{"answers", (*attackTrial).answers},
		{"refused", (*attackTrial).refusedLines},
		{"files", (*attackTrial).files},
		{"clock", (*attackTrial).clocks},
		{"door", (*attackTrial).door},
	}
}

func attackNames() (names []string) {
	for _, part := range attackParts() {
		names = append(names, part.name)
	}
	return names
}

type attackTrial struct {
	*trial
	short bool

	mu    sync.Mutex
	total outcome // guarded by mu
}

func (a *attackTrial) run(only string) error {
	chosen := attackNames()
	if only != "" {
		chosen = strings.Split(only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(attackNames(), name) {
			return fmt.Errorf("there is no part %q; the parts are %s", name, strings.Join(attackNames(), ", "))
		}
	}
	for _, part := range attackParts() {
		if !slices.Contains(chosen, part.name) {
			continue
		}
		start := time.Now()
		if err := part.run(a); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		a.logf("%s took %.0f s", part.name, time.Since(start).Seconds())
	}
	a.note("acknowledged", a.total.acknowledged)
	a.note("stored", a.total.stored)
	a.note("dead", a.total.dead)
	a.note("told_missing", a.total.toldMissing)
	a.exactly("lost", a.total.lost, 0)
	a.exactly("doubled", a.total.doubled, 0)
	a.exactly("miscounted", a.total.miscounted, 0)
	return nil
}

// atOnce is the number of cases that run side by side: they mostly wait.
const atOnce = 4

// each runs n cases, some at a time, and returns their failures. The random choices of
// a case follow from the seed of the trial, whatever runs beside it.
func (a *attackTrial) each(n int, run func(i int, rnd *rand.Rand) error) error {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = a.rnd.Uint64()
	}
	errs := make([]error, n)
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			errs[i] = run(i, seeded(seeds[i]))
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// outcome is the account of one case, or of several.
type outcome struct {
	acknowledged int64 // entries that Sync or Close covered
	stored       int64 // of these, the ones that the server has
	dead         int64 // dead letters: refused, kept, and reported
	toldMissing  int64 // entries whose files were damaged and that the logger says are missing
	lost         int64 // acknowledged, not stored, and neither dead nor said to be missing
	doubled      int64 // stored twice, out of order or changed
	miscounted   int64 // difference between the logger's counts and the true ones
}

// settle computes the lost and the miscounted lines, from the number of all lines,
// beginnings of sessions among them, are not stored.
func (o *outcome) settle(missing int64) {
	accounted := o.dead + o.toldMissing
	o.lost = max(0, missing-accounted)
	o.miscounted += max(0, accounted-missing)
}

// add takes an outcome into the total and names the case if something is wrong.
func (a *attackTrial) add(name string, o outcome) {
	a.logf("%s: acknowledged=%d stored=%d dead=%d told_missing=%d lost=%d doubled=%d miscounted=%d",
		name, o.acknowledged, o.stored, o.dead, o.toldMissing, o.lost, o.doubled, o.miscounted)
	if o.lost+o.doubled+o.miscounted > 0 {
		a.miss("%s: lost=%d doubled=%d miscounted=%d", name, o.lost, o.doubled, o.miscounted)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &a.total
	t.acknowledged += o.acknowledged
	t.stored += o.stored
	t.dead += o.dead
	t.toldMissing += o.toldMissing
	t.lost += o.lost
	t.doubled += o.doubled
	t.miscounted += o.miscounted
}

// account compares the reports of processes, one after the other with one spool, with the lines
// stored at their end. The first process logged the entries.
func account(tally *arrivals.Tally, reports ...report) outcome {
	count := tally.Count()
	o := outcome{doubled: count.Duplicates + count.Disorder + count.Wrong}
	for _, n := range reports[0].Streams {
		o.acknowledged += int64(n)
	}
	o.stored = o.acknowledged - promises(reports[0].Streams).lost(tally)
	delivered, pending := int64(0), int64(0)
	for _, r := range reports {
		s := r.Stats
		o.dead += s.Dead
		o.toldMissing += s.Dropped
		delivered += s.Delivered
		o.miscounted += apart(s.Accepted+s.Recovered, s.Delivered+s.Pending+s.Dead+s.Dropped) + apart(s.Recovered, pending)
		pending = s.Pending
	}
	o.miscounted += pending + apart(delivered, count.Lines)
	o.settle(reports[0].Stats.Accepted - count.Lines + count.Duplicates)
	return o
}

// apart returns the distance of two numbers.
func apart(a, b int64) int64 { return max(a-b, b-a) }

// finish waits until a worker has nothing pending, closes it and returns its last report.
func (a *attackTrial) finish(p *process, limit time.Duration) (report, error) {
	drained, err := p.ask(cmdDrain, limit)
	if err == nil && drained.Err != "" {
		err = fmt.Errorf("%s: after %v %d entries are pending: %s", p.job.Name, limit, drained.Stats.Pending, drained.Err)
	}
	if err != nil {
		p.kill()
		return report{}, err
	}
	end, err := p.ask(cmdClose, limit)
	if err != nil {
		p.kill()
		return report{}, err
	}
	return end, errors.Join(p.end(), a.crash(p))
}

// crash returns an error if a worker failed by itself.
func (a *attackTrial) crash(p *process) error {
	if text := p.crashed(); text != "" {
		return fmt.Errorf("%s failed by itself: %s", p.job.Name, text)
	}
	return nil
}
