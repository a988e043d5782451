package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// statements are prepared on the connection that writes.
type statements struct {
	putEntity, setEntity, moveEntity *sql.Stmt
	nameEntity, parents              *sql.Stmt
	putTop, setTop, moveTop          *sql.Stmt
	putMark, dropMark                *sql.Stmt
	getBucket, putBucket             *sql.Stmt
}

func (st *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&st.putEntity, `INSERT INTO entities (eno, k, repo, kind, id, parent, trace, born, last, data, places, above, span, home) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&st.setEntity, `UPDATE entities SET last = ?, data = ?, places = ? WHERE eno = ?`},
		{&st.moveEntity, `UPDATE entities SET last = ?, data = ?, places = ?, parent = ?, trace = ? WHERE eno = ?`},
		{&st.nameEntity, `UPDATE entities SET id = ?, above = ?, span = ?, home = ? WHERE eno = ?`},
		{&st.parents, parentsQuery},
		{&st.putTop, `INSERT INTO tops (tokens, bits, data, at, session, status, dur, cost, eno, repo, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&st.setTop, `UPDATE tops SET tokens = ?, bits = ?, data = ? WHERE eno = ?`},
		{&st.moveTop, `UPDATE tops SET tokens = ?, bits = ?, data = ?, at = ?, session = ?, status = ?, dur = ?, cost = ? WHERE eno = ?`},
		{&st.putMark, `INSERT OR IGNORE INTO marks (label, at, eno) VALUES (?, ?, ?)`},
		{&st.dropMark, `DELETE FROM marks WHERE label = ? AND at = ? AND eno = ?`},
		{&st.getBucket, `SELECT data FROM rollups WHERE repo = ? AND daily = ? AND start = ? AND kind = ? AND name = ?`},
		{&st.putBucket, `INSERT OR REPLACE INTO rollups (repo, daily, start, kind, name, data) VALUES (?, ?, ?, ?, ?, ?)`},
	} {
		var err error
		if *p.stmt, err = conn.PrepareContext(ctx, p.query); err != nil { //nolint:sqlclosecheck // close does
			return err
		}
	}
	return nil
}

func (st *statements) close() {
	for _, s := range []*sql.Stmt{
		st.putEntity, st.setEntity, st.moveEntity, st.nameEntity, st.parents, st.putTop, st.setTop, st.moveTop, st.putMark, st.dropMark, st.getBucket, st.putBucket,
	} {
		if s != nil {
			s.Close() // SQLite keeps the connection, and its files, as long as one is open
		}
	}
}

// write stores all changes of the step. Tops come after entities, because stale first and
// last texts are looked up among the stored entities.
func (s *step) write() error {
	for _, w := range s.works {
		if err := s.writeEntity(w); err != nil {
			return err
		}
	}
	for t := range s.stalePreviews {
		if err := s.excerptAnew(t); err != nil {
			return err
		}
	}
	// In the order of the file, which touches each page once.
	for _, eno := range slices.Sorted(maps.Keys(s.tops)) {
		if err := s.writeTop(s.tops[eno]); err != nil {
			return err
		}
	}
	for k, b := range s.buckets {
		if err := s.writeBucket(k, b); err != nil {
			return err
		}
	}
	for k, c := range s.counts {
		if c == (store.Count{}) {
			continue
		}
		_, err := s.x.conn.ExecContext(s.ctx, `INSERT INTO counts (repo, kind, entities, open) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET entities = entities + excluded.entities, open = open + excluded.open`, k.repo, int(k.kind), c.Entities, c.Open)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *step) writeEntity(w *work) (err error) {
	if err := s.pace.step(); err != nil {
		return err
	}
	r, st := w.row, &s.x.stmts
	data, at, kin := packEntity(&r.entity), notNil(r.places), kinshipOf(&r.entity)
	if w.before != nil && (w.before.entity.Ref.ID != r.entity.Ref.ID || kinshipOf(&w.before.entity) != kin) {
		if _, err := st.nameEntity.ExecContext(s.ctx, r.entity.Ref.ID, kin.above, kin.span, kin.home, r.eno); err != nil {
			return err
		}
	}
	switch {
	case w.before == nil:
		_, err = st.putEntity.ExecContext(s.ctx, r.eno, r.entity.Key[:], r.repo, int(r.entity.Ref.Kind), r.entity.Ref.ID,
			r.parent, r.trace, r.born, r.last, data, at, kin.above, kin.span, kin.home)
	case w.before.parent != r.parent || w.before.trace != r.trace:
		_, err = st.moveEntity.ExecContext(s.ctx, r.last, data, at, r.parent, r.trace, r.eno)
	default:
		_, err = st.setEntity.ExecContext(s.ctx, r.last, data, at, r.eno)
	}
	return err
}

// notNil returns bytes that the driver does not take for NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (s *step) writeTop(t *top) (err error) {
	if err := s.pace.step(); err != nil {
		return err
	}
	st, c := &s.x.stmts, t.indexed()
	usage := t.sums.usage()
	values := []any{usage.Input + usage.Output, t.sums.kinds(), t.pack()}
	moved := []any{c.at, c.session, c.status, c.dur, c.cost, t.eno}
	switch {
	case t.stored == nil:
		_, err = st.putTop.ExecContext(s.ctx, append(append(values, moved...), t.repo, int(t.kind))...)
	case t.stored.columns != c:
		_, err = st.moveTop.ExecContext(s.ctx, append(values, moved...)...)
	default:
		_, err = st.setTop.ExecContext(s.ctx, append(values, t.eno)...)
	}
	if err != nil {
		return err
	}
	err = s.writeMarks(t)
	t.keep()
	return err
}

// writeMarks brings the marks of a trace up to date.
func (s *step) writeMarks(t *top) error {
	var before []int64
	labels, moved := t.labels(), true
	if t.stored != nil {
		before, moved = t.stored.labels, t.stored.columns.at != t.at
	}
	for _, l := range before {
		if moved || !slices.Contains(labels, l) {
			if _, err := s.x.stmts.dropMark.ExecContext(s.ctx, l, t.stored.columns.at, t.eno); err != nil {
				return err
			}
		}
	}
	for _, l := range labels {
		if moved || !slices.Contains(before, l) {
			if _, err := s.x.stmts.putMark.ExecContext(s.ctx, l, t.at, t.eno); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *step) writeBucket(k bucketKey, b *bucket) error {
	if *b == (bucket{}) {
		return nil
	}
	place := []any{k.repo, k.daily, k.start, int(k.kind), k.name}
	var stored []byte
	err := s.x.stmts.getBucket.QueryRowContext(s.ctx, place...).Scan(&stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		var before bucket
		u := unpacker{b: stored}
		u.counters(before[:])
		if u.err() != nil {
			return u.err()
		}
		b.add(&before)
	}
	if *b == (bucket{}) {
		_, err := s.x.conn.ExecContext(s.ctx, `DELETE FROM rollups WHERE repo = ? AND daily = ? AND start = ? AND kind = ? AND name = ?`, place...)
		return err
	}
	var p packer
	p.counters(b[:])
	_, err = s.x.stmts.putBucket.ExecContext(s.ctx, append(place, p.b)...)
	return err
}

// dayOf returns the beginning of the UTC day of a time, both in microseconds.
func dayOf(at int64) int64 { return micros(at).Truncate(24 * time.Hour).UnixMicro() }
