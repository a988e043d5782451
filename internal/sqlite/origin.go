package sqlite

import (
	"database/sql"
	"encoding/binary"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// kinship holds an entity's values for the columns above, span and home.
type kinship struct{ above, span, home int64 }

func spanNumber(id protocol.SpanID) int64  { return int64(binary.BigEndian.Uint64(id[:])) }
func homeNumber(id protocol.TraceID) int64 { return int64(binary.BigEndian.Uint64(id[:8])) }

// kinshipOf returns the columns of an entity. The span ids of traces are not at the
// beginning of their keys, and stand in the column span without a home.
func kinshipOf(e *fold.Entity) kinship {
	if e.Ref.Kind == protocol.Trace {
		return kinship{span: spanNumber(protocol.SpanIDOf(e.Ref.ID))}
	}
	return kinship{spanNumber(e.Origin.Parent), spanNumber(e.Origin.Span), homeNumber(e.Origin.Trace)}
}

// spanKey names the span that is the parent of others.
type spanKey struct {
	repo  int64
	trace protocol.TraceID
	span  protocol.SpanID
}

// kin finds the parents of the spans that change in a step.
type kin struct {
	*step
	bySpan map[protocol.SpanID][]*work // changed entities by the span ids of possible children
	stored map[spanKey][]*row          // parents already in the file
	again  map[int64]bool              // enos of spans that were there and may have another parent now
}

// hangSpans sets the parents of spans from OpenTelemetry. An entity that is new, or
// has got another span id, may be the parent of spans that came before it. One that was
// deleted is the parent of none.
func (s *step) hangSpans() error {
	k := &kin{step: s, stored: map[spanKey][]*row{}, again: map[int64]bool{}}
	if err := k.awaited(); err != nil {
		return err
	}
	for _, w := range s.works {
		e := &w.row.entity
		if e.Origin.Parent == (protocol.SpanID{}) {
			continue
		}
		if w.before != nil && w.before.entity.Origin == e.Origin && !k.again[w.row.eno] {
			e.Parent, w.row.parent = w.before.entity.Parent, w.before.parent
			continue
		}
		if err := k.hang(w); err != nil {
			return err
		}
	}
	return nil
}

// awaited marks as changed the spans whose parents have the span id of an entity that
// is new or was deleted.
func (k *kin) awaited() error {
	var waiting bool
	if err := k.x.conn.QueryRowContext(k.ctx, `SELECT EXISTS (SELECT 1 FROM entities WHERE above <> 0)`).Scan(&waiting); err != nil || !waiting {
		return err
	}
	var anywhere []int64 // span ids that tell the parent in whatever trace
	var exact [][2]int64 // span id and home
	name := func(e *fold.Entity) {
		if e.Ref.Kind == protocol.Session {
			return
		}
		if trace, span, ok := fold.ParseSpanEntityID(e.Ref.ID); ok {
			exact = append(exact, [2]int64{spanNumber(span), homeNumber(trace)})
		} else {
			anywhere = append(anywhere, spanNumber(protocol.SpanIDOf(e.Ref.ID)))
		}
		if e.Origin.Span != (protocol.SpanID{}) {
			exact = append(exact, [2]int64{spanNumber(e.Origin.Span), homeNumber(e.Origin.Trace)})
		}
	}
	for _, w := range k.works {
		e := &w.row.entity
		if w.before == nil || w.before.entity.Ref.ID != e.Ref.ID || w.before.entity.Origin.Span != e.Origin.Span {
			name(e)
		}
	}
	for _, r := range k.deleted {
		name(&r.entity)
	}
	err := inChunks(anywhere, enoArg, func(placeholders string, args []any) error {
		return k.askAgain(`above IN (`+placeholders+`)`, args)
	})
	for err == nil && len(exact) > 0 {
		n := min(len(exact), maxArgs/2)
		args := make([]any, 0, 2*n)
		for _, e := range exact[:n] {
			args = append(args, e[0], e[1])
		}
		err = k.askAgain(`(above, home) IN (VALUES `+pairs(n)+`)`, args)
		exact = exact[n:]
	}
	return err
}

// pairs returns placeholders for n pairs of arguments.
func pairs(n int) string {
	const pair = "(?, ?), "
	b := make([]byte, 0, n*len(pair))
	for range n {
		b = append(b, pair...)
	}
	return string(b[:len(b)-2])
}

// askAgain marks as changed the spans that meet a condition, to resolve their parents again.
func (k *kin) askAgain(condition string, args []any) error {
	rows, err := k.x.rowsOf(k.ctx, k.x.conn, `SELECT `+columns+` FROM entities e WHERE above <> 0 AND `+condition, args...)
	for _, r := range rows {
		k.again[r.eno] = true
		if k.byEno[r.eno] == nil {
			changed := *r
			k.add(&work{r, &changed})
		}
	}
	return err
}

// hang sets the parent of a span.
func (k *kin) hang(w *work) error {
	e := &w.row.entity
	candidates, err := k.candidates(w.row)
	if err != nil {
		return err
	}
	e.Parent = e.Origin.Fallback(e.Repo)
	if parent := e.Origin.Nearest(e.Key, candidates); parent != nil {
		e.Parent = parent.Key
	}
	w.row.parent, err = k.enoOf(e.Parent)
	return err
}

// candidates returns the entities that have the span id of a span's parent.
func (k *kin) candidates(child *row) (candidates []*fold.Entity, err error) {
	o := &child.entity.Origin
	if k.bySpan == nil {
		k.bySpan = map[protocol.SpanID][]*work{}
		for _, w := range k.works {
			for _, span := range w.row.entity.SpanIDs() {
				k.bySpan[span] = append(k.bySpan[span], w)
			}
		}
	}
	for _, w := range k.bySpan[o.Parent] {
		if w.row.repo == child.repo {
			candidates = append(candidates, &w.row.entity)
		}
	}
	key := spanKey{child.repo, o.Trace, o.Parent}
	stored, ok := k.stored[key]
	if !ok {
		if stored, err = k.load(key, child.entity.Repo, o); err != nil {
			return nil, err
		}
		k.stored[key] = stored
	}
	for _, r := range stored {
		if k.byEno[r.eno] == nil && r.repo == child.repo {
			candidates = append(candidates, &r.entity)
		}
	}
	return candidates, nil
}

// load reads the entities with the span id of a parent: spans by their keys, entities of
// clients by a key prefix, and entities with a separate OpenTelemetry id by the column span.
func (k *kin) load(key spanKey, repo string, o *fold.Origin) ([]*row, error) {
	var args []any
	for _, parent := range o.ParentKeys(repo) {
		args = append(args, parent[:])
	}
	from, to := fold.Key{}, fold.Key{}
	copy(from[:], key.span[:])
	copy(to[:], key.span[:])
	for i := len(key.span); i < len(to); i++ {
		to[i] = 0xff
	}
	args = append(args, from[:], to[:], spanNumber(key.span), homeNumber(key.trace))
	rows, err := k.x.stmts.parents.QueryContext(k.ctx, args...)
	if err != nil {
		return nil, err
	}
	var found []*row
	err = drain(rows, func(rows *sql.Rows) error {
		r, err := scanRow(rows)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, k.x.complete(k.ctx, k.x.conn, found)
}

// parentsQuery selects the entities that load returns.
const parentsQuery = `SELECT ` + columns + ` FROM entities e WHERE k IN (?, ?, ?, ?, ?)
	UNION ALL SELECT ` + columns + ` FROM entities e WHERE k >= ? AND k <= ?
	UNION ALL SELECT ` + columns + ` FROM entities e WHERE span <> 0 AND span = ? AND home IN (0, ?)`
