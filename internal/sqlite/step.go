package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// step is one call of Apply, in its transaction.
//
// Each count changes by the difference between an entity's new and previous contribution, so
// neither folding again nor late lines count twice.
type step struct {
	ctx  context.Context // does not end
	pace pacer           // of the caller's context
	x    *Index
	from int64 // the cursor before

	deleted []*row // that the step has deleted
	works   []*work
	byKey   map[fold.Key]*work
	byEno   map[int64]*work
	lookups map[fold.Key]int64 // enos of entities that are not in works
	under   map[int64][]*work  // works by parent, once they are final; nil until it is asked for

	tops          map[int64]*top // that change
	labels        map[topLabel]int64
	stalePreviews map[*top]bool // their excerpts must be looked for
	buckets       map[bucketKey]*bucket
	counts        map[countKey]store.Count
}

// work is an entity that changes.
type work struct {
	before *row // nil if it is new
	row    *row // to be stored
}

type topLabel struct {
	top *top
	label
}

type countKey struct {
	repo int64
	kind protocol.Kind
}

// begin collects the entities that the updates change.
func (s *step) begin(version int64, updates []store.Update) error {
	keys := make([]fold.Key, len(updates))
	for i, u := range updates {
		keys[i] = u.Entity.Key
	}
	rows, unknown := s.x.rows.get(version, keys)
	loaded, err := s.x.rowsByKey(s.ctx, s.x.conn, unknown)
	if err != nil {
		return err
	}
	before := make(map[fold.Key]*row, len(updates))
	for _, some := range [][]*row{rows, loaded} {
		for _, r := range some {
			before[r.entity.Key] = r
		}
	}
	for _, u := range updates {
		if err := s.update(before[u.Entity.Key], u); err != nil {
			return err
		}
	}
	return nil
}

// update adds an entity to works, unless the update changes nothing.
func (s *step) update(before *row, u store.Update) error {
	if before != nil && len(u.Lines) == 0 && before.entity.Seen.Equal(u.Entity.Seen) && before.entity.Lines == u.Entity.Lines &&
		before.entity.Ref == u.Entity.Ref {
		s.lookups[u.Entity.Key] = before.eno
		return nil // it was only named
	}
	r := &row{}
	if before != nil {
		*r = *before
	} else {
		repo, err := s.x.repos.lookup(s.ctx, s.x.conn, u.Entity.Repo)
		if err != nil {
			return err
		}
		*r = row{eno: s.x.next, repo: repo, born: s.from, last: s.from * store.BlockLines}
		s.x.next++
	}
	r.entity = u.Entity
	r.entity.Price(s.x.prices)
	s.add(&work{before, r})
	return s.place(r, u.Lines)
}

func (s *step) add(w *work) {
	s.works = append(s.works, w)
	s.byKey[w.row.entity.Key], s.byEno[w.row.eno] = w, w
	if s.under != nil {
		s.under[w.row.parent] = append(s.under[w.row.parent], w)
	}
}

// place adds positions to a row. Above maxPlaces bytes they move to the table places.
func (s *step) place(r *row, at []store.Loc) error {
	if len(at) == 0 {
		return nil
	}
	last := r.last
	if len(r.places) == 0 {
		last = 0
	}
	r.places, r.last = r.places.add(last, at)
	if len(r.places) <= maxPlaces {
		return nil
	}
	_, err := s.x.conn.ExecContext(s.ctx, `INSERT OR REPLACE INTO places (eno, last, data) VALUES (?, ?, ?)`, r.eno, r.last, []byte(r.places))
	r.places = nil
	return err
}

// hang determines the parents and the traces of the changed entities.
func (s *step) hang() error {
	if err := s.hangSpans(); err != nil {
		return err
	}
	for _, w := range s.works {
		e := &w.row.entity
		if e.Parent == (fold.Key{}) || e.Origin.Parent != (protocol.SpanID{}) {
			continue
		}
		if w.before != nil && w.before.entity.Parent == e.Parent && w.row.parent != 0 {
			continue
		}
		eno, err := s.enoOf(e.Parent)
		if err != nil {
			return err
		}
		w.row.parent = eno
	}
	known := make(map[*work]bool, len(s.works))
	for _, w := range s.works {
		if err := s.resolve(w, known); err != nil {
			return err
		}
	}
	for _, w := range s.works[:len(s.works):len(s.works)] { // more are added meanwhile
		if w.before != nil && w.before.trace != w.row.trace {
			if err := s.propagate(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// enoOf returns the number of an entity, 0 if it is not there.
func (s *step) enoOf(key fold.Key) (eno int64, err error) {
	if w := s.byKey[key]; w != nil {
		return w.row.eno, nil
	}
	if eno, ok := s.lookups[key]; ok {
		return eno, nil
	}
	err = s.x.conn.QueryRowContext(s.ctx, `SELECT eno FROM entities WHERE k = ?`, key[:]).Scan(&eno)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	s.lookups[key] = eno
	return eno, err
}

// resolve sets the trace of a changed entity to its parent's trace. Entities whose parents
// form a cycle are in no trace.
func (s *step) resolve(w *work, known map[*work]bool) error {
	if known[w] {
		return nil
	}
	var path []*work
	on := map[int64]bool{}
	trace, next := int64(0), w
	for next != nil && !known[next] && !on[next.row.eno] {
		path = append(path, next)
		on[next.row.eno] = true
		r := next.row
		if r.entity.Ref.Kind == protocol.Trace {
			trace, next = r.eno, nil
			break
		}
		if r.parent == 0 {
			next = nil
			break
		}
		parent := s.byEno[r.parent]
		switch {
		case parent != nil:
		case next.before != nil && next.before.parent == r.parent:
			trace = r.trace
		default:
			var err error
			if trace, err = s.traceAbove(r, on); err != nil {
				return err
			}
		}
		next = parent
	}
	if next != nil && known[next] {
		trace = next.row.trace
	}
	for _, w := range path {
		w.row.trace, known[w] = trace, true
	}
	return nil
}

// traceAbove returns the trace of an unchanged parent. If an ancestor of the parent changes
// in this step, propagate corrects the trace later. If the entity had another parent before,
// it also checks for a cycle.
func (s *step) traceAbove(r *row, on map[int64]bool) (int64, error) {
	var parent, trace int64
	err := s.x.conn.QueryRowContext(s.ctx, `SELECT parent, trace FROM entities WHERE eno = ?`, r.parent).Scan(&parent, &trace)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil || r.trace == 0 || trace != r.trace {
		return trace, err
	}
	for seen := map[int64]bool{}; parent != 0 && !seen[parent]; {
		if on[parent] {
			return 0, nil
		}
		seen[parent] = true
		if w := s.byEno[parent]; w != nil {
			parent = w.row.parent
			continue
		}
		err := s.x.conn.QueryRowContext(s.ctx, `SELECT parent FROM entities WHERE eno = ?`, parent).Scan(&parent)
		if errors.Is(err, sql.ErrNoRows) {
			return trace, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return trace, nil
}

// propagate moves the descendants of an entity to its trace.
func (s *step) propagate(w *work) error {
	for below := []*work{w}; len(below) > 0; below = below[1:] {
		above := below[0].row
		children, err := s.children(below[0])
		if err != nil {
			return err
		}
		for _, c := range children {
			if c.row.entity.Ref.Kind != protocol.Trace && c.row.parent == above.eno && c.row.trace != above.trace {
				c.row.trace = above.trace
				below = append(below, c)
			}
		}
	}
	return nil
}

// children returns the entities below one that was there before, and adds them to
// works.
func (s *step) children(w *work) (children []*work, err error) {
	query, args := `SELECT `+columns+` FROM entities e WHERE trace = 0 AND parent = ? AND parent > 0`, []any{w.row.eno}
	if w.before == nil {
		return s.changing(w), nil
	}
	if w.before.trace != 0 {
		query, args = `SELECT `+columns+` FROM entities e WHERE trace = ? AND parent = ? AND trace > 0`, []any{w.before.trace, w.row.eno}
	}
	rows, err := s.x.rowsOf(s.ctx, s.x.conn, query, args...)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if s.byEno[r.eno] == nil {
			changed := *r
			s.add(&work{r, &changed})
		}
	}
	return s.changing(w), nil
}

// changing returns the changed children of an entity.
func (s *step) changing(above *work) []*work {
	if s.under == nil {
		s.under = map[int64][]*work{}
		for _, w := range s.works {
			s.under[w.row.parent] = append(s.under[w.row.parent], w)
		}
	}
	return s.under[above.row.eno]
}
