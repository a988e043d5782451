package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// top is a session or a trace, as lists ask for it. It belongs to the writer.
type top struct {
	eno, repo   int64
	kind        protocol.Kind
	at, session int64
	status      int64
	dur         int64

	sums        sums
	first, last excerpt    // texts below the top
	marks       []mark     // maxLabels at most
	stored      *topStored // the stored state; nil if the top is new
}

// topStored is the stored state of a top in indexed columns and in other tables.
type topStored struct {
	columns topIndexed
	labels  []int64
}

// topIndexed is the columns that have indexes.
type topIndexed struct{ at, session, status, dur, cost int64 }

func (t *top) indexed() topIndexed {
	return topIndexed{t.at, t.session, t.status, t.dur, int64(t.sums.cost().Total)}
}

// keep says that the file has the top as it is.
func (t *top) keep() {
	t.stored = &topStored{columns: t.indexed(), labels: t.labels()}
}

// has reports whether a trace has a label.
func (t *top) has(label int64) bool {
	return slices.ContainsFunc(t.marks, func(m mark) bool { return m.label == label })
}

func (t *top) labels() []int64 {
	labels := make([]int64, len(t.marks))
	for i, m := range t.marks {
		labels[i] = m.label
	}
	return labels
}

// mark is a label that a trace has because of n entities.
type mark struct{ label, n int64 }

// excerpt is where in the tree a text is: the generation has it.
type excerpt struct {
	at   int64
	key  fold.Key
	said bool // there is one
}

// less reports whether the place is before another.
func (a excerpt) less(b excerpt) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return string(a.key[:]) < string(b.key[:])
}

// The order of status in the schema.
const (
	statusError int64 = iota
	statusEnded
	statusOpen
	statusPartial
)

var statusNames = [...]string{"error", "ended", "open", "partial"}

func statusOf(e *fold.Entity) int64 {
	switch {
	case e.Failed:
		return statusError
	case e.Ended:
		return statusEnded
	case e.Started:
		return statusOpen
	default:
		return statusPartial
	}
}

// follow copies the fields that a top takes from its entity.
func (t *top) follow(e *fold.Entity, session int64) {
	t.at, t.session, t.status = listedAt(e).UnixMicro(), session, statusOf(e)
	d, _ := e.Duration()
	t.dur = d.Microseconds()
}

// set adds n to how many entities give a label.
func (t *top) set(label, n int64) {
	for i := range t.marks {
		if t.marks[i].label != label {
			continue
		}
		if t.marks[i].n += n; t.marks[i].n <= 0 {
			t.marks = slices.Delete(t.marks, i, i+1)
		}
		return
	}
	if n > 0 && len(t.marks) < maxLabels {
		t.marks = append(t.marks, mark{label, n})
	}
}

// Markers stored instead of an excerpt's text (older versions stored the text itself);
// nothing is stored if there is no excerpt.
const (
	said     = "+"
	saidSame = "\xff" // where the other excerpt is
)

func (t *top) pack() []byte {
	p := packer{make([]byte, 0, 256)}
	p.counters(t.sums[:])
	p.excerpt(t.first, excerpt{})
	p.excerpt(t.last, t.first)
	p.bits(uint64(len(t.marks)))
	for _, m := range t.marks {
		p.num(m.label)
		p.num(m.n)
	}
	return p.b
}

func (t *top) unpack(data []byte) error {
	u := unpacker{b: data}
	u.counters(t.sums[:])
	t.first = u.excerpt(excerpt{})
	t.last = u.excerpt(t.first)
	for range min(u.bits(), maxLabels) {
		t.marks = append(t.marks, mark{u.num(), u.num()})
	}
	return u.err()
}

func (p *packer) excerpt(e, other excerpt) {
	switch {
	case !e.said:
		p.text("")
	case e == other:
		p.text(saidSame)
	default:
		p.text(said)
		p.num(e.at)
		p.key(e.key)
	}
}

func (u *unpacker) excerpt(other excerpt) excerpt {
	switch u.text() {
	case "":
		return excerpt{}
	case saidSame:
		return other
	default:
		return excerpt{u.num(), u.key(), true}
	}
}

// topColumns are in the order of topScan. All queries call the table t.
const topColumns = `t.eno, t.repo, t.kind, t.at, t.session, t.status, t.dur, t.data`

// topScan takes topColumns.
type topScan struct {
	top  top
	data sql.RawBytes
}

func (s *topScan) dest() []any {
	t := &s.top
	return []any{&t.eno, &t.repo, &t.kind, &t.at, &t.session, &t.status, &t.dur, &s.data}
}

// result returns the top. It must be called before the next row is read.
func (s *topScan) result() (*top, error) {
	if err := s.top.unpack(s.data); err != nil {
		return nil, err
	}
	s.top.keep()
	return &s.top, nil
}

// listRow returns the row of a list.
func listRow(e fold.Entity, t *top, sort store.Sort) store.Row {
	r := store.Row{
		Entity: e, Usage: t.sums.usage(), Cost: t.sums.cost(), Unpriced: int(t.sums[sumUnpriced]),
		Entities: t.sums.entities(), Generations: int(t.sums[sumKinds+int(protocol.Generation)]),
		Tools: int(t.sums[sumKinds+int(protocol.ToolCall)]), ErrorEntities: int(t.sums[sumKinds+int(protocol.Error)]), Errors: int(t.sums[sumFailed]), Open: int(t.sums[sumOpen]),
		Feedback: int(t.sums[sumFeedback]), Attachments: int(t.sums[sumAttachments]),
		First: e.First, Last: e.Last,
		Place: store.Place{By: t.at, Key: e.Key},
	}
	switch sort {
	case store.Slowest:
		r.Place.By = t.dur
	case store.Costliest:
		r.Place.By = int64(r.Cost.Total)
	}
	return r
}

// loadTops returns tops by their enos.
func loadTops(ctx context.Context, q queryer, enos []int64) (found []*top, err error) {
	err = inChunks(enos, enoArg, func(placeholders string, args []any) error {
		return each(ctx, q, func(rows *sql.Rows) error {
			var s topScan
			if err := rows.Scan(s.dest()...); err != nil {
				return err
			}
			t, err := s.result()
			found = append(found, t)
			return err
		}, `SELECT `+topColumns+` FROM tops t WHERE eno IN (`+placeholders+`)`, args...)
	})
	return found, err
}
