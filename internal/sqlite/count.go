package sqlite

import (
	"database/sql"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// count computes the changes to totals, labels, roll-ups and counts.
func (s *step) count() error {
	if err := s.loadTops(); err != nil {
		return err
	}
	for _, w := range s.works {
		if err := s.countEntity(w); err != nil {
			return err
		}
	}
	return s.label()
}

// loadTops gets the sessions and traces that change.
func (s *step) loadTops() error {
	var missing []int64
	want := func(eno int64) {
		if eno == 0 || s.tops[eno] != nil {
			return
		}
		if t, ok := s.x.tops.get(eno); ok {
			s.tops[eno] = t
		} else if s.byEno[eno] == nil || s.byEno[eno].before != nil {
			missing = append(missing, eno)
		}
	}
	for _, w := range s.works {
		kind := w.row.entity.Ref.Kind
		if w.before == nil && (kind == protocol.Trace || kind == protocol.Session) {
			s.tops[w.row.eno] = &top{eno: w.row.eno, repo: w.row.repo, kind: kind}
			continue
		}
		if kind == protocol.Session {
			want(w.row.eno)
		}
		want(w.row.trace)
		if w.before != nil {
			want(w.before.trace)
		}
	}
	found, err := loadTops(s.ctx, s.x.conn, missing)
	for _, t := range found {
		s.tops[t.eno] = t
	}
	return err
}

// session returns the session of a trace that names one, nil if it was forgotten.
func (s *step) session(e *fold.Entity) (*top, error) {
	if e.Session == (fold.Key{}) {
		return nil, nil
	}
	eno, err := s.enoOf(e.Session)
	if err != nil || eno == 0 {
		return nil, err
	}
	if t := s.tops[eno]; t != nil {
		return t, nil
	}
	if t, ok := s.x.tops.get(eno); ok {
		s.tops[eno] = t
		return t, nil
	}
	found, err := loadTops(s.ctx, s.x.conn, []int64{eno})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	s.tops[eno] = found[0]
	return found[0], nil
}

// countEntity subtracts an entity's previous contribution and adds its new one.
func (s *step) countEntity(w *work) error {
	e := &w.row.entity
	if w.before != nil {
		s.roll(&w.before.entity, w.row.repo, -1)
		s.tally(&w.before.entity, w.row.repo, -1)
	}
	s.roll(e, w.row.repo, 1)
	s.tally(e, w.row.repo, 1)
	if e.Ref.Kind == protocol.Trace || e.Ref.Kind == protocol.Session {
		if err := s.countTop(w); err != nil {
			return err
		}
	}
	var left, joined *top
	if w.before != nil {
		left = s.tops[w.before.trace]
	}
	joined = s.tops[w.row.trace]
	s.countShare(left, joined, w)
	return nil
}

func (s *step) countShare(left, joined *top, w *work) {
	relabel := left != joined || w.before == nil || !sameLabels(&w.before.entity, &w.row.entity)
	if left != nil {
		was := share(&w.before.entity)
		left.sums.sub(&was)
		if relabel {
			for _, l := range labelsOf(&w.before.entity) {
				s.labels[topLabel{left, l}]--
			}
		}
		if left != joined {
			s.excerpt(left, &w.before.entity, true)
		}
	}
	if joined == nil {
		return
	}
	is := share(&w.row.entity)
	joined.sums.add(&is)
	if relabel {
		for _, l := range labelsOf(&w.row.entity) {
			s.labels[topLabel{joined, l}]++
		}
	}
	s.excerpt(joined, &w.row.entity, false)
}

// countTop updates a session or trace from its entity, and the trace count of its session.
func (s *step) countTop(w *work) error {
	t, e := s.tops[w.row.eno], &w.row.entity
	if t == nil || w.before != nil && w.before.entity.Session == e.Session {
		if t != nil {
			t.follow(e, t.session)
		}
		return nil
	}
	var before *top
	if w.before != nil {
		var err error
		if before, err = s.session(&w.before.entity); err != nil {
			return err
		}
	}
	now, err := s.session(e)
	if err != nil {
		return err
	}
	eno := int64(0)
	if now != nil {
		eno = now.eno
	}
	if now != before {
		if before != nil {
			before.sums[sumKinds+int(protocol.Trace)]--
		}
		if now != nil {
			now.sums[sumKinds+int(protocol.Trace)]++
		}
	}
	t.follow(e, eno)
	return nil
}

// excerpt updates the first and last text of a trace from a generation that is in the trace
// or, if gone is set, has left it.
func (s *step) excerpt(t *top, e *fold.Entity, gone bool) {
	if e.Ref.Kind != protocol.Generation {
		return
	}
	first := excerpt{listedAt(e).UnixMicro(), e.Key, e.First != "" && !gone}
	last := excerpt{first.at, e.Key, e.Last != "" && !gone}
	switch {
	case first.said && (!t.first.said || !t.first.less(first)):
		t.first = first
	case t.first.said && t.first.key == e.Key && t.first != first:
		s.stalePreviews[t] = true
	}
	switch {
	case last.said && (!t.last.said || !last.less(t.last)):
		t.last = last
	case t.last.said && t.last.key == e.Key && t.last != last:
		s.stalePreviews[t] = true
	}
}

// excerptAnew looks for the excerpts of a trace among all generations in it, which are
// stored already.
func (s *step) excerptAnew(t *top) error {
	t.first, t.last = excerpt{}, excerpt{}
	return each(s.ctx, s.x.conn, func(rows *sql.Rows) error {
		r, err := scanRow(rows)
		if err == nil {
			s.excerpt(t, &r.entity, false)
		}
		return err
	}, `SELECT `+columns+` FROM entities e WHERE trace = ? AND trace > 0 AND kind = ?`, t.eno, int(protocol.Generation))
}

// roll adds an entity to roll-ups n times.
func (s *step) roll(e *fold.Entity, repo, n int64) {
	k, b, ok := rolled(e, repo)
	if !ok {
		return
	}
	for range 2 {
		into := s.buckets[k]
		if into == nil {
			into = &bucket{}
			s.buckets[k] = into
		}
		if n > 0 {
			into.add(&b)
		} else {
			into.sub(&b)
		}
		k.daily, k.start = true, dayOf(k.start)
	}
}

// tally counts an entity n times.
func (s *step) tally(e *fold.Entity, repo int64, n int) {
	k := countKey{repo, e.Ref.Kind}
	c := s.counts[k]
	c.Entities += n
	if e.Open() {
		c.Open += n
	}
	s.counts[k] = c
}

// label applies the changes of labels to the traces.
func (s *step) label() error {
	for k, n := range s.labels {
		if n == 0 {
			continue
		}
		if err := s.mark(k.top, k.label, n); err != nil {
			return err
		}
	}
	for _, t := range s.tops {
		if t.kind != protocol.Trace {
			continue
		}
		for _, l := range [...]struct {
			label label
			has   bool
		}{
			{hasError, t.sums[sumFailed] > 0 || t.status == statusError},
			{hasFeedback, t.sums[sumFeedback] > 0},
			{hasAttachment, t.sums[sumAttachments] > 0},
			{isOrphan, t.sums[sumPartial] > 0},
		} {
			if err := s.markIf(t, l.label, l.has); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *step) mark(t *top, l label, n int64) error {
	number, err := s.labelNumber(labelKey{t.repo, l})
	if err == nil {
		t.set(number, n)
	}
	return err
}

// markIf gives a trace a label once, or takes it away.
func (s *step) markIf(t *top, l label, want bool) error {
	if !want && t.stored == nil {
		return nil
	}
	number, err := s.labelNumber(labelKey{t.repo, l})
	if err != nil || t.has(number) == want {
		return err
	}
	t.set(number, 2*boolean(want)-1)
	return nil
}
