package store

import (
	"context"
	"maps"
	"slices"

	"github.com/troupelog/troupe/collector/fold"
)

// Blobs gives the bytes that a large line was uploaded as. It returns nil bytes
// where there is no such blob in the repository; then the line does nothing.
type Blobs interface {
	LargeLog(ctx context.Context, repo, key string) ([]byte, error)
}

// foldLines is about how many lines one step of Fold takes: enough that the
// commit costs little, few enough that readers soon see them.
const foldLines = 2048

// Fold moves the index forward by one step and returns its new cursor, which is
// the one before if nothing was left to do. If another process moves the same
// index, it returns ErrStale and can be called again.
func Fold(ctx context.Context, log Log, index Index, blobs Blobs) (Cursor, error) {
	from, err := index.Cursor(ctx)
	if err != nil {
		return 0, err
	}
	blocks, to, err := log.Read(ctx, from, foldLines)
	if err != nil || len(blocks) == 0 {
		return from, err
	}
	s := step{ctx: ctx, log: log, index: index, blobs: blobs, entities: map[fold.Key]*pending{}}
	if err := s.collect(blocks); err != nil {
		return from, err
	}
	if err := s.load(); err != nil {
		return from, err
	}
	updates, err := s.updates()
	if err != nil {
		return from, err
	}
	if err := index.Apply(ctx, updates, from, to); err != nil {
		return from, err
	}
	return to, nil
}

// step is one call of Fold.
type step struct {
	ctx      context.Context
	log      Log
	index    Index
	blobs    Blobs
	entities map[fold.Key]*pending
}

// pending is an entity that new lines touch.
type pending struct {
	known   bool // the index has it
	entity  fold.Entity
	changes []fold.Change // in the order of the log
	locs    []Loc         // of lines that are about it
	late    bool          // a line came late: fold all its lines anew
}

// collect takes the blocks apart into the entities they touch.
func (s *step) collect(blocks []Block) error {
	for _, b := range blocks {
		for i := range b.Lines {
			at := Located{Loc{b.Number, i}, b.Repo, b.Recv, b.Spool, b.First + uint64(i), b.Lines[i]}
			lines, err := expand(s.ctx, s.blobs, at)
			if err != nil {
				return err
			}
			for _, l := range lines {
				s.line(b, at.Loc, l)
			}
		}
	}
	return nil
}

func (s *step) line(b Block, at Loc, l fold.Line) {
	changes, err := fold.Decode(b.Repo, l)
	if err != nil {
		return // the collector stores no such lines; an uploaded one may hold any bytes
	}
	for _, c := range changes {
		p := s.entities[c.Key]
		if p == nil {
			p = &pending{entity: fold.NewEntity(b.Repo, c)}
			s.entities[c.Key] = p
		}
		p.changes = append(p.changes, c)
		p.late = p.late || b.Late
		if !c.Mention() && (len(p.locs) == 0 || p.locs[len(p.locs)-1] != at) {
			p.locs = append(p.locs, at)
		}
	}
}

// load fills in what the index knows of the touched entities.
func (s *step) load() error {
	known, err := s.index.Get(s.ctx, slices.Collect(maps.Keys(s.entities)))
	if err != nil {
		return err
	}
	for _, e := range known {
		if p := s.entities[e.Key]; p != nil {
			p.entity, p.known = e, true
		}
	}
	return nil
}

// updates returns the new states, ordered by key so that concurrent writers of
// one database lock rows in one order.
func (s *step) updates() ([]Update, error) {
	updates := make([]Update, 0, len(s.entities))
	for _, p := range s.entities {
		if p.late {
			if err := s.refold(p); err != nil {
				return nil, err
			}
		} else {
			for _, c := range p.changes {
				p.entity.Apply(c)
			}
		}
		updates = append(updates, Update{p.entity, p.locs})
	}
	slices.SortFunc(updates, func(a, b Update) int { return slices.Compare(a.Entity.Key[:], b.Entity.Key[:]) })
	return updates, nil
}

// refold folds an entity from all its lines, those of this step included. When it
// was first seen is kept, since a mention leaves no line behind.
func (s *step) refold(p *pending) error {
	key, repo := p.entity.Key, p.entity.Repo
	old, err := s.index.Locs(s.ctx, []fold.Key{key})
	if err != nil {
		return err
	}
	lines, err := readLines(s.ctx, s.log, s.blobs, slices.Concat(old, p.locs))
	if err != nil {
		return err
	}
	folded, ok := fold.Fold(repo, lines)[key]
	if !ok {
		folded = fold.Entity{Key: key, Repo: repo, Ref: p.entity.Ref}
	}
	folded.Seen = p.entity.Seen
	for _, c := range p.changes {
		folded.See(c)
	}
	p.entity = folded
	return nil
}

// readLines returns the lines at the given places, ready to be folded.
func readLines(ctx context.Context, log Log, blobs Blobs, at []Loc) ([]fold.Line, error) {
	located, err := log.Lines(ctx, at)
	if err != nil {
		return nil, err
	}
	lines := make([]fold.Line, 0, len(located))
	for _, l := range located {
		expanded, err := expand(ctx, blobs, l)
		if err != nil {
			return nil, err
		}
		lines = append(lines, expanded...)
	}
	return lines, nil
}

// Tree returns the tree below an entity, filled from its lines, with its totals.
// It fails with ErrNotFound if the index does not know the entity.
func Tree(ctx context.Context, log Log, index Index, blobs Blobs, repo string, ref fold.Ref) (*fold.Node, fold.Totals, error) {
	root := fold.KeyOf(repo, ref)
	entities, err := index.Tree(ctx, root)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	if len(entities) == 0 {
		return nil, fold.Totals{}, ErrNotFound
	}
	keys := make([]fold.Key, len(entities))
	for i, e := range entities {
		keys[i] = e.Key
	}
	locs, err := index.Locs(ctx, keys)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	lines, err := readLines(ctx, log, blobs, locs)
	if err != nil {
		return nil, fold.Totals{}, err
	}
	node, totals := fold.Build(repo, root, entities, lines)
	return node, totals, nil
}
