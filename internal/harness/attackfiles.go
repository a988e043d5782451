package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// fileCase damages the spool that two processes have left behind.
type fileCase struct {
	name string
	// sent is the number of the two processes that delivered their entries before the damage.
	sent   int
	damage func(*rand.Rand, spoolFiles) error
	// harmless says that every record is still there.
	harmless bool
}

// spoolFiles are the files of a spool that hold records, oldest first, and its cursors.
type spoolFiles struct{ segments, cursors []string }

func fileCases() []fileCase {
	return []fileCase{
		{name: "segment-header", damage: flipHeader, harmless: true},
		{name: "segment-header-gone", damage: zeroHeader, harmless: true},
		{name: "cursor", damage: spoilCursors, harmless: true},
		{name: "cursor-after-half", sent: 1, damage: spoilCursors, harmless: true},
		{name: "cursor-gone-after-half", sent: 1, damage: removeCursors, harmless: true},
		{name: "cursor-after-delivery", sent: 2, damage: spoilCursors, harmless: true},
		{name: "cursor-gone-after-delivery", sent: 2, damage: removeCursors, harmless: true},
		{name: "tail-cut", damage: cutTail},
		{name: "segment-gone", damage: removeSegment},
		{name: "last-segment-gone", damage: removeLastSegment},
		{name: "segment-emptied", damage: emptySegment},
	}
}

// files lets two processes fill a spool, damages it, and compares the entries that the next process
// delivers, and the losses it reports, with the acknowledged ones.
func (a *attackTrial) files() error {
	rounds := 10
	if a.short {
		rounds = 1
	}
	cases := fileCases()
	return a.each(rounds*len(cases), func(i int, rnd *rand.Rand) error {
		c := cases[i%len(cases)]
		if err := a.damaged(c, fmt.Sprintf("%s%d", c.name, i/len(cases)), rnd); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		return nil
	})
}

func (a *attackTrial) damaged(c fileCase, name string, rnd *rand.Rand) (err error) {
	store, err := collector.New(collector.Config{Dir: filepath.Join(a.dir, "collector-"+name)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(a.ctx))) }()
	server, err := chaos.Start(store, rnd)
	if err != nil {
		return err
	}
	defer server.Down()
	spool := filepath.Join(a.dir, "spool-"+name)
	reports, err := a.fill(name, spool, server, c.sent)
	if err != nil {
		return err
	}
	files, err := filesOf(spool)
	if err != nil {
		return err
	}
	if err := c.damage(rnd, files); err != nil {
		return err
	}
	next, err := a.next(name, spool, server)
	if err != nil {
		return err
	}
	tally := arrivals.NewTally()
	if err := stored(a.ctx, server.URL(), tally); err != nil {
		return err
	}
	o := damagedAccount(tally, reports, next)
	if c.harmless {
		o.lost = o.acknowledged - o.stored // to say that a sound record is missing is no excuse
	} else if o.toldMissing == 0 || len(next.Errors) == 0 {
		a.miss("%s: nothing is said to be missing: %v, errors %v", name, next.Stats, next.Errors)
	}
	a.add("files/"+name, o)
	return nil
}

// fill lets two processes log, one after the other, so that there are several segments.
func (a *attackTrial) fill(name, spool string, server *chaos.Server, sent int) (reports []report, err error) {
	const parts = 4
	for i := range 2 {
		if i == sent {
			server.Down()
		}
		p, err := a.launch(job{
			URL: server.URL(), Spool: spool, Name: fmt.Sprintf("%s_%d", name, i), Sessions: parts,
			Streams: streams(parts, parts, streamJob{Size: 300, Count: 250}),
		})
		if err != nil {
			return nil, err
		}
		if err := p.awaitReady(); err != nil {
			p.kill()
			return nil, err
		}
		if _, err := p.ask(cmdFinish, drainTime); err != nil {
			p.kill()
			return nil, err
		}
		if i < sent {
			r, err := a.finish(p, drainTime)
			if err != nil {
				return nil, err
			}
			reports = append(reports, r)
			continue
		}
		r, err := p.ask(cmdClose, patience/60)
		if err != nil {
			p.kill()
			return nil, err
		}
		if err := p.end(); err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, server.Up()
}

// next is the process that finds the damage.
func (a *attackTrial) next(name, spool string, server *chaos.Server) (report, error) {
	p, err := a.launch(job{URL: server.URL(), Spool: spool, Name: name + "next", FlushInterval: 0})
	if err != nil {
		return report{}, err
	}
	if err := p.awaitReady(); err != nil {
		p.kill()
		return report{}, err
	}
	return a.finish(p, drainTime)
}

// damagedAccount compares the acknowledged entries of the processes that filled a spool
// with the stored ones and the losses that the next process reports.
func damagedAccount(tally *arrivals.Tally, reports []report, next report) (o outcome) {
	count := tally.Count()
	o.doubled = count.Duplicates + count.Disorder + count.Wrong
	accepted := int64(0)
	for _, r := range reports {
		accepted += r.Stats.Accepted
		for _, n := range r.Streams {
			o.acknowledged += int64(n)
		}
		o.stored += -promises(r.Streams).lost(tally)
	}
	o.stored += o.acknowledged
	s := next.Stats
	o.toldMissing = s.Dropped
	o.miscounted = apart(s.Accepted+s.Recovered, s.Delivered+s.Pending+s.Dead+s.Dropped)
	o.settle(accepted - count.Lines + count.Duplicates)
	return o
}

func filesOf(spool string) (files spoolFiles, err error) {
	err = filepath.WalkDir(spool, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".seg"):
			files.segments = append(files.segments, path)
		case d.Name() == "cursor":
			files.cursors = append(files.cursors, path)
		}
		return nil
	})
	slices.Sort(files.segments)
	return files, err
}

const segmentHeader = 64 // bytes; docs/internals/spool.md

func flipHeader(rnd *rand.Rand, files spoolFiles) error {
	return edit(files.segments[rnd.IntN(len(files.segments))], func(data []byte) []byte {
		bit := rnd.IntN(8 * segmentHeader)
		data[bit/8] ^= 1 << (bit % 8)
		return data
	})
}

func zeroHeader(rnd *rand.Rand, files spoolFiles) error {
	return edit(files.segments[rnd.IntN(len(files.segments))], func(data []byte) []byte {
		clear(data[:segmentHeader])
		return data
	})
}

func spoilCursors(_ *rand.Rand, files spoolFiles) error {
	for _, path := range files.cursors {
		if err := edit(path, func(data []byte) []byte {
			for i := range data {
				data[i] ^= 0x5a
			}
			return data
		}); err != nil {
			return err
		}
	}
	return nil
}

func removeCursors(_ *rand.Rand, files spoolFiles) error {
	for _, path := range files.cursors {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func cutTail(rnd *rand.Rand, files spoolFiles) error {
	return edit(filled(files), func(data []byte) []byte { return data[:segmentHeader+rnd.IntN(len(data)-segmentHeader)] })
}

func removeSegment(_ *rand.Rand, files spoolFiles) error { return os.Remove(files.segments[0]) }

func removeLastSegment(_ *rand.Rand, files spoolFiles) error { return os.Remove(filled(files)) }

func emptySegment(_ *rand.Rand, files spoolFiles) error {
	return edit(files.segments[0], func([]byte) []byte { return nil })
}

// filled returns the newest segment that holds records.
func filled(files spoolFiles) string {
	for _, path := range slices.Backward(files.segments) {
		if info, err := os.Stat(path); err == nil && info.Size() > segmentHeader {
			return path
		}
	}
	return files.segments[0]
}

// edit changes the content of a file.
func edit(path string, change func([]byte) []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o600)
}
