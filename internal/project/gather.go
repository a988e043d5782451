package project

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/store"
)

const (
	// gatherLines is about how many lines one step of Gather takes.
	gatherLines = 4096
	// gatherBytes limits the bytes of texts that a step holds before it adds them.
	gatherBytes = 4 << 20
)

// Gather moves the search forward by one step and returns its new cursor, which is the
// one before if nothing was left to do, and the time at which the last line before it was received, zero if
// no line was read. A line that cannot be read is treated as Fold does it; one that
// stands for an upload says what the upload does.
func Gather(ctx context.Context, log store.Log, search store.Search, blobs store.LargeLogs, faults *Faults) (store.Cursor, time.Time, error) {
	from, err := search.Cursor(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	g := gatherer{ctx: ctx, search: search, faults: faults, expander: expander{blobs: blobs}, at: from}
	if err := g.run(log); err != nil {
		return from, time.Time{}, faults.note(ctx, err)
	}
	return g.at, g.recv, nil
}

// gatherer is one call of Gather.
type gatherer struct {
	ctx      context.Context
	search   store.Search
	faults   *Faults
	expander expander
	at       store.Cursor
	recv     time.Time      // of the last block
	texts    []store.TextAt // not added yet
	bytes    int            // of texts
	buf      []byte
}

func (g *gatherer) run(log store.Log) error {
	blocks, to, err := log.Read(g.ctx, g.at, gatherLines)
	if damaged, ok := errors.AsType[*store.LineError](err); ok && g.faults.givenUp(damaged.At) {
		blocks, to, err = nil, store.Cursor(damaged.At.Block), nil
	}
	if err != nil || to == g.at {
		return err
	}
	for _, b := range blocks {
		runtime.Gosched() // storing lines takes precedence
		if err := g.block(b); err != nil {
			return err
		}
		if g.bytes >= gatherBytes {
			if err := g.add(store.Cursor(b.Number)); err != nil {
				return err
			}
		}
	}
	return g.add(to)
}

// block takes the texts of a block.
func (g *gatherer) block(b store.Block) error {
	g.recv = b.Recv
	for i := range b.Lines {
		at := b.At(i)
		if g.faults.givenUp(at.Loc) {
			continue
		}
		if err := guard(at.Loc, func() error { return g.line(at) }); err != nil {
			return err
		}
		if len(g.buf) > 0 {
			g.texts = append(g.texts, store.TextAt{Loc: at.Loc, Repo: b.Repo, Recv: b.Recv, Text: string(g.buf)})
			g.bytes += len(g.buf)
		}
	}
	return nil
}

// line puts the text of a line into buf, limited to the maximum for one line even if it
// names an upload of many lines.
func (g *gatherer) line(at store.Located) error {
	g.buf = g.buf[:0]
	lines, err := g.expander.lines(g.ctx, at)
	if err != nil {
		return err
	}
	for l := range lines {
		if g.buf = fold.AppendText(g.buf, l.Text); len(g.buf) >= fold.MaxText {
			break
		}
	}
	return nil
}

func (g *gatherer) add(to store.Cursor) error {
	if to == g.at {
		return nil
	}
	if err := g.search.Add(g.ctx, g.texts, g.at, to); err != nil {
		return err
	}
	clear(g.texts)
	g.at, g.texts, g.bytes = to, g.texts[:0], 0
	return nil
}
