package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// Facets implements store.Lists. All fields are counted in one go through the traces.
func (x *Index) Facets(ctx context.Context, f store.Filter, fields []store.Field, limit int) (map[store.Field][]store.Facet, error) {
	found := map[store.Field][]store.Facet{}
	err := x.view(ctx, "tallying", func(tx *sql.Tx) error {
		w, err := x.filter(ctx, tx, f)
		if err != nil || w.none {
			return err
		}
		for _, field := range fields {
			if labelFields[field] == 0 && !slices.Contains(columnFields, field) {
				return refusedTerm(field, store.Equal)
			}
		}
		t := tally{filtering: w, statuses: map[int64]int{}, kinds: map[int64]int{}, sessions: map[int64]int{}, labels: map[int64]int{}}
		if err := t.count(); err != nil {
			return err
		}
		for _, field := range fields {
			facets, err := t.facets(field)
			if err != nil {
				return err
			}
			slices.SortFunc(facets, func(a, b store.Facet) int {
				return cmp.Or(b.Traces-a.Traces, cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
			})
			found[field] = facets[:min(limit, len(facets))]
		}
		return nil
	})
	return found, err
}

// columnFields are the fields stored in columns instead of labels.
var columnFields = []store.Field{store.FieldStatus, store.FieldKind, store.FieldSession}

// tally counts field values over the traces of a listing.
type tally struct {
	*filtering
	// Traces by number of a status, a set of kinds, a session, a label.
	statuses, kinds, sessions, labels map[int64]int
}

// count counts all facets in one pass.
func (t *tally) count() error {
	at, eno, err := t.choose(true)
	if err != nil {
		return err
	}
	t.order = at + ` DESC, ` + eno + ` DESC`
	var one top
	return t.each(store.MaxTallied, ``, `t.status, t.bits, t.session, t.data`, func(row *sql.Rows) error {
		var status, kinds, session int64
		var data sql.RawBytes
		if err := row.Scan(&status, &kinds, &session, &data); err != nil {
			return err
		}
		one.marks = one.marks[:0]
		if err := one.unpack(data); err != nil {
			return err
		}
		t.statuses[status]++
		t.kinds[kinds]++
		t.sessions[session]++
		for _, m := range one.marks {
			t.labels[m.label]++
		}
		return nil
	})
}

// facets returns the counts of a field.
func (t *tally) facets(field store.Field) ([]store.Facet, error) {
	switch field {
	case store.FieldStatus:
		return named(t.statuses, func(n int64) []store.Facet { return []store.Facet{{Value: statusNames[n]}} }), nil
	case store.FieldKind:
		return named(t.kinds, kindFacets), nil
	case store.FieldSession:
		delete(t.sessions, 0)
		return t.lookUp(t.sessions, `SELECT eno, '', id FROM entities WHERE eno IN `)
	}
	return t.lookUp(t.labels, `SELECT label, key, value FROM labels WHERE field = ? AND label IN `, labelFields[field])
}

// named turns counts by number into facets; one number may yield several.
func named(counts map[int64]int, name func(int64) []store.Facet) []store.Facet {
	sum := map[store.Facet]int{}
	for n, traces := range counts {
		for _, f := range name(n) {
			sum[f] += traces
		}
	}
	facets := make([]store.Facet, 0, len(sum))
	for f, traces := range sum {
		f.Traces = traces
		facets = append(facets, f)
	}
	return facets
}

func kindFacets(bits int64) (facets []store.Facet) {
	for _, kind := range protocol.Kinds() {
		if bits&(1<<kind) != 0 {
			facets = append(facets, store.Facet{Value: kind.String()})
		}
	}
	return facets
}

// lookUp returns the facets of counted numbers, with the names that query finds for them.
func (t *tally) lookUp(counts map[int64]int, query string, first ...any) (facets []store.Facet, err error) {
	numbers := make([]int64, 0, len(counts))
	for n := range counts {
		numbers = append(numbers, n)
	}
	err = inChunks(numbers, enoArg, func(placeholders string, args []any) error {
		return each(t.ctx, t.tx, func(row *sql.Rows) error {
			var n int64
			var f store.Facet
			err := row.Scan(&n, &f.Key, &f.Value)
			f.Traces = counts[n]
			facets = append(facets, f)
			return err
		}, query+`(`+placeholders+`)`, append(slices.Clone(first), args...)...)
	})
	return facets, err
}

// Histogram implements store.Lists.
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

// Rollups implements store.Lists.
func (x *Index) Rollups(ctx context.Context, q store.RollupQuery) ([]store.Rollup, error) {
	var buckets []store.Rollup
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
