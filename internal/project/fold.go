package project

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

const (
	// foldLines is the approximate number of lines that Fold reads at once.
	foldLines = 8192
	// foldReads limits the reads of one step while many lines are waiting. An entity whose lines
	// are apart is stored once a step, and storing takes most of the time: with 5,000
	// turns growing at the same time, three reads take a third of the time of one.
	foldReads = 3
	// foldEntities is the number of entities at which a step stops reading. Each takes about
	// 2 KiB of memory.
	foldEntities = 12288
	// foldBytes limits the bytes of uploads that a step decodes before it applies and releases
	// them: decoded, lines can take several times their bytes. One upload may
	// come on top.
	foldBytes = 16 << 20
)

// Fold moves the index forward by one step and returns its new cursor, which is
// the one before if nothing was left to do. If another process moves the same
// index, it returns ErrStale and can be called again. So it can after a *LineError:
// it goes on without the line when faults has enough of it.
func Fold(ctx context.Context, log store.Log, index store.Index, blobs store.LargeLogs, faults *Faults) (store.Cursor, error) {
	from, err := index.Cursor(ctx)
	if err != nil {
		return 0, err
	}
	s := step{
		ctx: ctx, log: log, index: index, faults: faults,
		expander: expander{blobs: blobs}, entities: map[fold.Key]*pending{},
	}
	to, err := s.run(from)
	if err != nil {
		return from, faults.note(ctx, err)
	}
	return to, nil
}

// step is one call of Fold.
type step struct {
	ctx      context.Context
	log      store.Log
	index    store.Index
	faults   *Faults
	expander expander
	decoded  []decoded // not applied yet
	entities map[fold.Key]*pending
}

// decoded holds the changes of a stored line, or of one line that it expands to.
type decoded struct {
	at      store.Loc
	late    bool // it came late
	changes []fold.Change
}

// pending is an entity that new lines touch.
type pending struct {
	entity fold.Entity
	nth    int           // by the order in which lines of the step name entities first
	locs   []store.Loc   // of new lines that are about it
	late   []fold.Change // if a line came late: fold all its lines anew, and see these
}

// run folds one step and returns the cursor behind it.
func (s *step) run(from store.Cursor) (store.Cursor, error) {
	to := from
	for range foldReads {
		blocks, next, err := s.read(to)
		if err != nil && to > from {
			break // the next step reports it
		}
		if err != nil {
			return from, err
		}
		lines, err := s.blocks(blocks)
		if err != nil {
			return from, err
		}
		if to = next; lines < foldLines/2 || len(s.entities) >= foldEntities {
			break // there is not much more, and readers want to see it; or it takes much memory
		}
	}
	if to == from {
		return from, nil
	}
	updates, err := s.updates()
	if err != nil {
		return from, err
	}
	return to, s.index.Apply(s.ctx, updates, from, to)
}

// read returns the next blocks and the cursor behind them.
func (s *step) read(from store.Cursor) ([]store.Block, store.Cursor, error) {
	blocks, to, err := s.log.Read(s.ctx, from, foldLines)
	if damaged, ok := errors.AsType[*store.LineError](err); ok && s.faults.givenUp(damaged.At) {
		return nil, store.Cursor(damaged.At.Block), nil
	}
	return blocks, to, err
}

// blocks folds in the lines of blocks and returns how many there are.
func (s *step) blocks(blocks []store.Block) (lines int, err error) {
	for _, b := range blocks {
		runtime.Gosched() // storing lines takes precedence
		lines += len(b.Lines)
		if err := s.block(b); err != nil {
			return lines, err
		}
	}
	return lines, s.apply()
}

// block decodes a block's lines. Once uploads take foldBytes, it applies the decoded
// lines first, to release them.
func (s *step) block(b store.Block) error {
	for i := range b.Lines {
		at := b.At(i)
		if s.faults.givenUp(at.Loc) {
			continue
		}
		if s.expander.given >= foldBytes {
			if err := s.apply(); err != nil {
				return err
			}
		}
		if err := s.decode(b, at); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) decode(b store.Block, at store.Located) error {
	return guard(at.Loc, func() error {
		lines, err := s.expander.lines(s.ctx, at)
		if err != nil {
			return err
		}
		for l := range lines {
			changes, err := fold.Decode(b.Repo, l)
			if err != nil {
				continue // the collector stores no such lines; an uploaded one may hold any bytes
			}
			s.decoded = append(s.decoded, decoded{at.Loc, b.Late, changes})
			for _, c := range changes {
				if s.entities[c.Key] == nil {
					s.entities[c.Key] = &pending{entity: fold.NewEntity(b.Repo, c), nth: len(s.entities)}
				}
			}
		}
		return nil
	})
}

// guard makes a panic an error of the line that caused it.
func guard(at store.Loc, fn func() error) error {
	err := Protect(fn)
	if panicked, ok := errors.AsType[*PanicError](err); ok {
		return &store.LineError{At: at, Err: panicked}
	}
	return err
}

// apply folds in the decoded lines, in the order of the log.
func (s *step) apply() error {
	if err := s.load(); err != nil {
		return err
	}
	for _, d := range s.decoded {
		err := guard(d.at, func() error {
			for _, c := range d.changes {
				s.entities[c.Key].apply(d, c)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	clear(s.decoded) // it keeps uploads in memory
	s.decoded = s.decoded[:0]
	s.expander.given = 0
	return nil
}

func (p *pending) apply(d decoded, c fold.Change) {
	if !c.Mention() && (len(p.locs) == 0 || p.locs[len(p.locs)-1] != d.at) {
		p.locs = append(p.locs, d.at)
	}
	if d.late || p.late != nil {
		p.late = append(p.late, c.Seen())
		return
	}
	p.entity.Apply(c)
}

// load reads the indexed state of entities that are new to the step.
func (s *step) load() error {
	var keys []fold.Key
	for key, p := range s.entities {
		if p.entity.Seen.IsZero() && p.late == nil {
			keys = append(keys, key)
		}
	}
	known, err := s.index.Get(s.ctx, keys)
	if err != nil {
		return err
	}
	for _, e := range known {
		if p := s.entities[e.Key]; p != nil {
			p.entity = e
		}
	}
	return nil
}

// updates returns the new states in the order in which lines name the entities first, so
// that numbers given in this order do not depend on where a step ends.
func (s *step) updates() ([]store.Update, error) {
	updates := make([]store.Update, 0, len(s.entities))
	touched := slices.SortedFunc(maps.Values(s.entities), func(a, b *pending) int { return cmp.Compare(a.nth, b.nth) })
	for _, p := range touched {
		if p.late != nil {
			if err := s.refold(p); err != nil {
				return nil, err
			}
		}
		updates = append(updates, store.Update{Entity: p.entity, Lines: p.locs})
	}
	return updates, nil
}

// refold folds an entity from all its lines, those of this step included. When it
// was first seen is kept, since a mention leaves no line behind.
func (s *step) refold(p *pending) error {
	old, err := s.index.Locs(s.ctx, []fold.Key{p.entity.Key})
	if err != nil {
		return err
	}
	at := slices.DeleteFunc(slices.Concat(old, p.locs), s.faults.givenUp)
	stored, err := s.log.Lines(s.ctx, at)
	if err != nil {
		return err
	}
	// One line after the other is expanded, so that large ones are not in memory
	// together: their order follows the lines that they represent.
	lines, located := make([]fold.Line, len(stored)), make(map[place]store.Located, len(stored))
	for i, l := range stored {
		lines[i] = fold.Line{Recv: l.Recv, Spool: l.Spool, Seq: l.Seq}
		located[place{l.Spool, l.Seq}] = l
	}
	fold.Sort(lines)
	folded := fold.Entity{Key: p.entity.Key, Repo: p.entity.Repo, Ref: p.entity.Ref, Seen: p.entity.Seen}
	for _, l := range lines {
		if err := s.foldLine(&folded, located[place{l.Spool, l.Seq}]); err != nil {
			return err
		}
	}
	for _, c := range p.late {
		folded.See(c)
	}
	p.entity = folded
	return nil
}

// place is the position of a line in its sender's numbering.
type place struct {
	spool protocol.Producer
	seq   uint64
}

// foldLine applies the changes of a stored line to an entity. Mentions are skipped: refold
// keeps their effect.
func (s *step) foldLine(e *fold.Entity, l store.Located) error {
	return guard(l.Loc, func() error {
		lines, err := s.expander.lines(s.ctx, l)
		if err != nil {
			return err
		}
		for line := range lines {
			changes, err := fold.Decode(l.Repo, line)
			if err != nil {
				continue
			}
			for _, c := range changes {
				if c.Key == e.Key && !c.Mention() {
					e.Apply(c)
				}
			}
		}
		return nil
	})
}

// Tree returns the tree below an entity, filled from its lines, with its totals.
// It fails with ErrNotFound if the index does not know the entity, and with
// ErrTooLarge if its lines take more than MaxTree bytes.
func Tree(ctx context.Context, log store.Log, index store.Index, blobs store.LargeLogs, repo string, ref protocol.Ref) (*fold.Node, fold.Totals, error) {
	root := fold.KeyOf(repo, ref)
	entities, err := index.Tree(ctx, root)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	if len(entities) == 0 {
		return nil, fold.Totals{}, store.ErrNotFound
	}
	keys := make([]fold.Key, len(entities))
	for i, e := range entities {
		keys[i] = e.Key
	}
	locs, err := index.Locs(ctx, keys)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	lines, err := treeLines(ctx, log, blobs, locs)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	return fold.Build(ctx, repo, root, entities, lines)
}

// MaxTree limits the bytes of lines of a tree. A line that names an upload counts as the
// upload.
const MaxTree = 256 << 20

// treePart is the number of positions read at a time.
const treePart = 4096

// treeLines returns the lines at the given places, ready to be folded.
func treeLines(ctx context.Context, log store.Log, blobs store.LargeLogs, at []store.Loc) ([]fold.Line, error) {
	slices.SortFunc(at, store.Loc.Compare) // each block is read once or twice
	x := expander{blobs: blobs}
	lines, size := make([]fold.Line, 0, len(at)), 0
	for part := range slices.Chunk(at, treePart) {
		located, err := log.Lines(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, l := range located {
			expanded, err := x.lines(ctx, l)
			if err != nil {
				return nil, err
			}
			lines = slices.AppendSeq(lines, expanded)
			if size += len(l.Text); size+x.given > MaxTree {
				return nil, store.ErrTooLarge
			}
		}
	}
	return lines, nil
}
