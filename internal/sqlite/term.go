package sqlite

import (
	"fmt"
	"slices"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// operators are the comparisons of SQL.
var operators = map[store.Op]string{
	store.Equal: `=`, store.Less: `<`, store.Most: `<=`, store.Greater: `>`, store.Least: `>=`,
}

// refusedTerm says which field and comparison it is. It quotes no value.
func refusedTerm(field store.Field, op store.Op) error {
	return fmt.Errorf("%w: field %q with %q", store.ErrTerm, string(field), string(op))
}

// term adds a condition. Labels and sums are known for traces only.
func (w *filtering) term(t store.Term) error {
	if w.kind != protocol.Trace && t.Field != store.FieldStatus && t.Field != store.FieldTime {
		return refusedTerm(t.Field, t.Op)
	}
	op, ok := operators[t.Op]
	if !ok {
		return refusedTerm(t.Field, t.Op)
	}
	switch t.Field {
	case store.FieldCost:
		w.cond(t.Not, `t.cost `+op+` ?`, t.Number)
		return nil
	case store.FieldTokens:
		w.cond(t.Not, `t.tokens `+op+` ?`, t.Number)
		return nil
	case store.FieldTime:
		w.cond(t.Not, `(CASE t.status WHEN 2 THEN max(? - t.at, 0) ELSE t.dur END) `+op+` ?`, w.now.UnixMicro(), t.Number)
		return nil
	}
	if t.Op != store.Equal {
		return refusedTerm(t.Field, t.Op)
	}
	switch t.Field {
	case store.FieldStatus:
		w.cond(t.Not, `t.status = ?`, slices.Index(statusNames[:], t.Value))
	case store.FieldKind:
		w.kindTerm(t)
	case store.FieldSession:
		return w.sessionTerm(t)
	default:
		return w.labelTerm(t)
	}
	return nil
}

func (w *filtering) cond(not bool, cond string, args ...any) {
	if not {
		cond = `NOT (` + cond + `)`
	}
	w.where(cond, args...)
}

// kindTerm asks for traces with an entity of a kind below them. All traces are traces.
func (w *filtering) kindTerm(t store.Term) {
	kind := protocol.ParseKind(t.Value)
	if kind == protocol.Trace {
		w.cond(t.Not, `1`)
		return
	}
	w.cond(t.Not, `t.bits & ? <> 0`, int64(1)<<kind)
}

func (w *filtering) sessionTerm(t store.Term) error {
	eno, err := enoOf(w.ctx, w.tx, fold.KeyOf(w.f.Repo, protocol.Ref{Kind: protocol.Session, ID: t.Value}))
	if eno == 0 {
		eno = -1
	}
	w.cond(t.Not, `t.session = ?`, eno)
	return err
}

// labelTerm asks for traces with a label.
func (w *filtering) labelTerm(t store.Term) error {
	if labelFields[t.Field] == 0 {
		return refusedTerm(t.Field, t.Op)
	}
	number, err := findLabel(w.ctx, w.tx, labelKey{w.repo, newLabel(t.Field, t.Key, t.Value)})
	switch {
	case err != nil:
		return err
	case t.Not && number != 0:
		w.where(`NOT EXISTS (SELECT 1 FROM marks WHERE label = ? AND at = t.at AND eno = t.eno)`, number)
	case !t.Not && number != 0:
		w.must = append(w.must, number)
	case !t.Not:
		w.none = true
	}
	return nil
}
