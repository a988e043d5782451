package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/troupelog/troupe/collector/fold"
	"github.com/troupelog/troupe/collector/store"
)

// Facets implements store.Explorer.
func (x *Index) Facets(ctx context.Context, f store.Filter, field store.Field, limit int) ([]store.Facet, error) {
	var facets []store.Facet
	err := x.view(ctx, "tallying", func(tx *sql.Tx) error {
		w, err := x.filter(ctx, tx, f)
		if err != nil || w.none {
			return err
		}
		at, eno, err := w.choose(true)
		if err != nil {
			return err
		}
		w.order = at + ` DESC, ` + eno + ` DESC`
		t := tally{filtering: w, n: map[int64]int{}}
		if facets, err = t.facets(field); err != nil {
			return err
		}
		slices.SortFunc(facets, func(a, b store.Facet) int {
			return cmp.Or(b.Traces-a.Traces, cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
		})
		facets = facets[:min(limit, len(facets))]
		return nil
	})
	return facets, err
}

// tally counts what the traces of a listing have.
type tally struct {
	*filtering
	n map[int64]int // traces by number of a label, session or status
}

func (t *tally) facets(field store.Field) ([]store.Facet, error) {
	switch field {
	case store.FieldStatus:
		return t.named(`t.status`, func(n int64) []store.Facet { return []store.Facet{{Value: statusNames[n]}} })
	case store.FieldKind:
		return t.named(`t.bits`, kindFacets)
	case store.FieldSession:
		return t.sessions()
	}
	if labelFields[field] == 0 {
		return nil, refusedTerm(field, store.Equal)
	}
	return t.labels(labelFields[field])
}

// column counts the values of a column.
func (t *tally) column(column string) error {
	return t.each(store.MaxTallied, ``, column, func(row *sql.Rows) error {
		var n int64
		err := row.Scan(&n)
		t.n[n]++
		return err
	})
}

// named counts the values of a column, each of which stands for some facets.
func (t *tally) named(column string, name func(int64) []store.Facet) ([]store.Facet, error) {
	if err := t.column(column); err != nil {
		return nil, err
	}
	sum := map[store.Facet]int{}
	for n, traces := range t.n {
		for _, f := range name(n) {
			sum[f] += traces
		}
	}
	facets := make([]store.Facet, 0, len(sum))
	for f, traces := range sum {
		f.Traces = traces
		facets = append(facets, f)
	}
	return facets, nil
}

func kindFacets(bits int64) (facets []store.Facet) {
	for _, kind := range fold.Kinds() {
		if bits&(1<<kind) != 0 {
			facets = append(facets, store.Facet{Value: kind.String()})
		}
	}
	return facets
}

func (t *tally) sessions() ([]store.Facet, error) {
	if err := t.column(`t.session`); err != nil {
		return nil, err
	}
	delete(t.n, 0)
	return t.lookUp(`SELECT eno, '', id FROM entities WHERE eno IN `)
}

// labels counts the labels of a field.
func (t *tally) labels(field int64) ([]store.Facet, error) {
	err := t.each(store.MaxTallied, ``, topColumns, func(row *sql.Rows) error {
		var s topScan
		if err := row.Scan(s.dest()...); err != nil {
			return err
		}
		if err := s.top.unpack(s.data); err != nil {
			return err
		}
		for _, m := range s.top.marks {
			t.n[m.label]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.lookUp(`SELECT label, key, value FROM labels WHERE field = ? AND label IN `, field)
}

// lookUp returns what the numbers stand for that were counted.
func (t *tally) lookUp(query string, first ...any) (facets []store.Facet, err error) {
	numbers := make([]int64, 0, len(t.n))
	for n := range t.n {
		numbers = append(numbers, n)
	}
	err = inChunks(numbers, enoArg, func(placeholders string, args []any) error {
		return each(t.ctx, t.tx, func(row *sql.Rows) error {
			var n int64
			var f store.Facet
			err := row.Scan(&n, &f.Key, &f.Value)
			f.Traces = t.n[n]
			facets = append(facets, f)
			return err
		}, query+`(`+placeholders+`)`, append(slices.Clone(first), args...)...)
	})
	return facets, err
}

// Histogram implements store.Explorer.
func (x *Index) Histogram(ctx context.Context, f store.Filter, n int) ([]store.Bar, error) {
	from, to := f.From.UnixMicro(), f.To.UnixMicro()
	if n < 1 || to <= from {
		return nil, nil
	}
	bars := make([]store.Bar, n)
	for i := range bars {
		bars[i].From = micros(from + part(to-from, int64(i), int64(n)))
	}
	err := x.view(ctx, "drawing a histogram", func(tx *sql.Tx) error {
		w, err := x.filter(ctx, tx, f)
		if err != nil || w.none {
			return err
		}
		at, eno, err := w.choose(true)
		if err != nil {
			return err
		}
		w.order = at + ` DESC, ` + eno + ` DESC`
		return w.each(store.MaxCounted, ``, at+`, t.status`, func(row *sql.Rows) error {
			var when, status int64
			if err := row.Scan(&when, &status); err != nil {
				return err
			}
			i, _ := slices.BinarySearchFunc(bars, when+1, func(b store.Bar, at int64) int { return cmp.Compare(b.From.UnixMicro(), at) })
			bars[i-1].Traces++
			bars[i-1].Errors += int(boolean(status == statusError))
			return nil
		})
	})
	return bars, err
}

// part returns whole * i / n, without overflow.
func part(whole, i, n int64) int64 { return whole/n*i + whole%n*i/n }

// Stats implements store.Explorer.
func (x *Index) Stats(ctx context.Context, q store.StatsQuery) ([]store.Bucket, error) {
	var buckets []store.Bucket
	err := x.view(ctx, "reading roll-ups", func(tx *sql.Tx) error {
		from, to := int64(-everLater), int64(everLater)
		if !q.From.IsZero() {
			from = q.From.UnixMicro()
		}
		if !q.To.IsZero() {
			to = q.To.UnixMicro()
		}
		return each(ctx, tx, func(row *sql.Rows) error {
			var k bucketKey
			var b bucket
			var data sql.RawBytes
			if err := row.Scan(&k.start, &k.kind, &k.name, &data); err != nil {
				return err
			}
			u := unpacker{b: data}
			u.counters(b[:])
			buckets = append(buckets, b.result(k))
			return u.err()
		}, `SELECT start, kind, name, data FROM rollups
			WHERE repo = (SELECT repo FROM repos WHERE name = ?) AND daily = ? AND start >= ? AND start < ?
			ORDER BY start, kind, name`, q.Repo, q.Daily, from, to)
	})
	return buckets, err
}
