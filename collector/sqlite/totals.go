package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/troupelog/troupe/collector/fold"
	"github.com/troupelog/troupe/collector/store"
)

// totals is what a trace adds up to: the entities and errors below it, and the usage
// and cost of all of them and of itself.
type totals struct {
	entities, errors int
	usage            fold.Usage
	cost             fold.Cost
}

const (
	totalColumns = `entities, errors, tin, tout, ttotal, tcached, treasoning, cin, cout, ctotal`

	addTotals = `INSERT INTO totals (k, ` + totalColumns + `) VALUES `
	onTotals  = ` ON CONFLICT (k) DO UPDATE SET entities = entities + excluded.entities, errors = errors + excluded.errors,
			tin = tin + excluded.tin, tout = tout + excluded.tout, ttotal = ttotal + excluded.ttotal,
			tcached = tcached + excluded.tcached, treasoning = treasoning + excluded.treasoning,
			cin = cin + excluded.cin, cout = cout + excluded.cout, ctotal = ctotal + excluded.ctotal`

	sumTotals = below + ` INSERT OR REPLACE INTO totals (k, ` + totalColumns + `)
		SELECT ?1, count(*) - 1, coalesce(sum(kind = ?2), 0),
			coalesce(sum(tin), 0), coalesce(sum(tout), 0), coalesce(sum(ttotal), 0),
			coalesce(sum(tcached), 0), coalesce(sum(treasoning), 0),
			coalesce(sum(cin), 0.0), coalesce(sum(cout), 0.0), coalesce(sum(ctotal), 0.0)
		FROM below JOIN entities USING (k)`
)

func readTotals(ctx context.Context, tx *sql.Tx, trace fold.Key) (t totals, err error) {
	err = tx.QueryRowContext(ctx, `SELECT `+totalColumns+` FROM totals WHERE k = ?`, trace[:]).Scan(
		&t.entities, &t.errors,
		&t.usage.Input, &t.usage.Output, &t.usage.Total, &t.usage.Cached, &t.usage.Reasoning,
		&t.cost.Input, &t.cost.Output, &t.cost.Total)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return t, err
}

// share returns what an entity adds to the totals of its trace.
func share(e fold.Entity) totals {
	t := totals{usage: e.Usage, cost: e.Cost}
	if e.Key != (fold.Key{}) && e.Ref.Kind != fold.Trace {
		t.entities = 1
	}
	if e.Ref.Kind == fold.Error {
		t.errors = 1
	}
	return t
}

// add adds v and takes w away.
func (t *totals) add(v, w totals) {
	t.entities += v.entities - w.entities
	t.errors += v.errors - w.errors
	t.usage.Add(v.usage)
	t.usage.Add(fold.Usage{
		Input: -w.usage.Input, Output: -w.usage.Output, Total: -w.usage.Total,
		Cached: -w.usage.Cached, Reasoning: -w.usage.Reasoning,
	})
	t.cost.Add(v.cost)
}

// summing brings totals up to date with updates that are stored already.
//
// A trace's totals change by what its entities' own shares change by, as long as no
// entity that was known before gets another parent. Where one does, as after lines
// that came late, the traces concerned are summed anew; so are those in which a cost
// is replaced, since taking a float away from a sum does not undo adding it.
type summing struct {
	ctx     context.Context
	conn    *sql.Conn
	parents map[fold.Key]ancestor // of what was looked at
	traces  map[fold.Key]fold.Key // what they hang in; zero if in no trace
	changed map[fold.Key]*totals  // by trace: what to add
	anew    map[fold.Key]bool     // traces to be summed anew
}

// ancestor is an entity as far as finding a trace needs it.
type ancestor struct {
	parent fold.Key
	trace  bool
}

func (x *Index) total(ctx context.Context, updates []store.Update) error {
	s := summing{
		ctx: ctx, conn: x.conn,
		parents: make(map[fold.Key]ancestor, len(updates)), traces: map[fold.Key]fold.Key{},
		changed: map[fold.Key]*totals{}, anew: map[fold.Key]bool{},
	}
	for _, u := range updates {
		s.parents[u.Entity.Key] = ancestor{u.Entity.Parent, u.Entity.Ref.Kind == fold.Trace}
	}
	for _, u := range updates {
		if err := s.update(u); err != nil {
			return err
		}
	}
	return s.store(x.add)
}

func (s *summing) update(u store.Update) error {
	known := u.Before.Key != fold.Key{}
	now, before := share(u.Entity), share(u.Before)
	moved := known && u.Before.Parent != u.Entity.Parent
	if now == before && !moved {
		return nil
	}
	trace, err := s.trace(u.Entity.Key)
	if err != nil {
		return err
	}
	if moved {
		if err := s.left(u.Before.Parent); err != nil {
			return err
		}
	}
	switch {
	case trace == fold.Key{}:
	case moved || before.cost != (fold.Cost{}) && now.cost != before.cost:
		s.anew[trace] = true
	default:
		if s.changed[trace] == nil {
			s.changed[trace] = &totals{}
		}
		if before.cost == now.cost {
			now.cost = fold.Cost{} // it is in the sum
		}
		s.changed[trace].add(now, before)
	}
	return nil
}

// left marks the trace that an entity hung in before. An ancestor of it may have moved
// in the same step; then its own update marks the rest.
func (s *summing) left(parent fold.Key) error {
	if parent == (fold.Key{}) {
		return nil
	}
	trace, err := s.trace(parent)
	if trace != (fold.Key{}) {
		s.anew[trace] = true
	}
	return err
}

// trace returns the trace that an entity hangs in, or is, or the zero Key.
func (s *summing) trace(key fold.Key) (trace fold.Key, err error) {
	var path []fold.Key
	for key != (fold.Key{}) {
		known, ok := s.traces[key]
		if ok {
			trace = known
			break
		}
		a, err := s.ancestor(key)
		if err != nil {
			return fold.Key{}, err
		}
		if a.trace {
			trace = key
			break
		}
		path = append(path, key)
		s.traces[key] = fold.Key{} // where parents go in a circle, this is found and true
		key = a.parent
	}
	for _, key := range path {
		s.traces[key] = trace
	}
	return trace, nil
}

func (s *summing) ancestor(key fold.Key) (ancestor, error) {
	if a, ok := s.parents[key]; ok {
		return a, nil
	}
	var a ancestor
	var kind int
	var parent []byte
	err := s.conn.QueryRowContext(s.ctx, `SELECT parent, kind FROM entities WHERE k = ?`, key[:]).Scan(&parent, &kind)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	copy(a.parent[:], parent)
	a.trace = fold.Kind(kind) == fold.Trace
	s.parents[key] = a
	return a, nil
}

func (s *summing) store(add bulk) error {
	for trace := range s.anew {
		if _, err := s.conn.ExecContext(s.ctx, sumTotals, trace[:], int(fold.Error)); err != nil {
			return err
		}
	}
	var args []any
	for trace, t := range s.changed {
		if s.anew[trace] {
			continue
		}
		args = append(args, trace[:], t.entities, t.errors,
			t.usage.Input, t.usage.Output, t.usage.Total, t.usage.Cached, t.usage.Reasoning,
			t.cost.Input, t.cost.Output, t.cost.Total)
	}
	return add.run(s.ctx, args, func(*sql.Rows) error { return nil })
}
