package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// row is an entity as it is stored. Once others can see it, it is not changed.
type row struct {
	eno           int64
	repo          int64
	parent, trace int64 // enos, 0 for none
	born, last    int64 // see the schema
	entity        fold.Entity
	places        places
}

// columns of an entity, in the order of scanRow. All queries call the table e.
const columns = `e.eno, e.k, e.repo, e.kind, e.id, e.parent, e.trace, e.born, e.last, e.data, e.places`

// scanRow reads columns and then the additional columns of a query into more. It leaves
// the repository name empty; complete sets it.
func scanRow(rows *sql.Rows, more ...any) (*row, error) {
	r := &row{}
	var key, data sql.RawBytes
	var kind int
	dest := append([]any{&r.eno, &key, &r.repo, &kind, &r.entity.Ref.ID, &r.parent, &r.trace, &r.born, &r.last, &data, (*[]byte)(&r.places)}, more...)
	if err := rows.Scan(dest...); err != nil {
		return nil, err
	}
	copy(r.entity.Key[:], key)
	r.entity.Ref.Kind = protocol.Kind(kind)
	return r, unpackEntity(&r.entity, data)
}

// Meanings of an entity's first number.
const (
	isStarted = 1 << iota
	isEnded
	isFailed
	hasParent
	hasUsage
	hasCost
	isCompressed // all that follows
	hasOrigin
	isNamed
	isGuessed
)

// minCompressed is the size in bytes from which a packed entity is compressed: most of the
// bytes of larger ones are text.
const minCompressed = 128

// packEntity packs the fields that have no dedicated column.
func packEntity(e *fold.Entity) []byte {
	flags := uint64(0)
	set := func(flag uint64, on bool) {
		if on {
			flags |= flag
		}
	}
	set(isStarted, e.Started)
	set(isEnded, e.Ended)
	set(isFailed, e.Failed)
	set(hasParent, e.Parent != fold.Key{})
	set(hasUsage, e.Usage != pricing.Usage{})
	set(hasCost, e.Costing != fold.NoCost)
	set(hasOrigin, e.Origin != fold.Origin{})
	set(isNamed, e.Named)
	set(isGuessed, e.Guessed)
	p := packer{make([]byte, 0, 160)}
	p.bits(flags)
	if flags&hasParent != 0 {
		p.key(e.Parent)
	}
	if o := &e.Origin; flags&hasOrigin != 0 {
		for _, id := range [][]byte{o.Trace[:], o.Parent[:], o.Span[:]} {
			p.b = append(p.b, id...)
		}
	}
	for _, s := range []string{e.SessionID, e.Name, e.Model, e.Provider, e.First, e.Last} {
		p.text(s)
	}
	p.time(e.Start)
	p.time(e.End)
	p.time(e.Seen)
	for _, n := range []int{e.Lines, e.Feedback, e.Attachments} {
		p.num(int64(n))
	}
	if flags&hasUsage != 0 {
		u := usageCounters(e.Usage)
		p.counters(u[:])
	}
	if flags&hasCost != 0 {
		p.num(int64(e.Costing))
		c := costCounters(e.Cost)
		p.counters(c[:])
	}
	p.texts(e.Tags)
	p.texts(e.Meta)
	if len(p.b) < minCompressed || !e.Ended { // one that has not ended is written again
		return p.b
	}
	z := packer{make([]byte, 0, len(p.b))}
	z.bits(isCompressed)
	if z.b = rowEncoder().EncodeAll(p.b, z.b); len(z.b) < len(p.b) {
		return z.b
	}
	return p.b
}

func unpackEntity(e *fold.Entity, data []byte) error {
	u := unpacker{b: data}
	flags := u.bits()
	if flags&isCompressed != 0 {
		plain, err := rowDecoder().DecodeAll(u.b, nil)
		if err != nil {
			return fmt.Errorf("%w: %w", errPacked, err)
		}
		u.b = plain
		flags = u.bits()
	}
	e.Started, e.Ended, e.Failed = flags&isStarted != 0, flags&isEnded != 0, flags&isFailed != 0
	if flags&hasParent != 0 {
		e.Parent = u.key()
	}
	e.Named, e.Guessed = flags&isNamed != 0, flags&isGuessed != 0
	if o := &e.Origin; flags&hasOrigin != 0 {
		for _, id := range [][]byte{o.Trace[:], o.Parent[:], o.Span[:]} {
			u.bytes(id)
		}
	}
	for _, s := range []*string{&e.SessionID, &e.Name, &e.Model, &e.Provider, &e.First, &e.Last} {
		*s = u.text()
	}
	e.Start, e.End, e.Seen = u.time(), u.time(), u.time()
	for _, n := range []*int{&e.Lines, &e.Feedback, &e.Attachments} {
		*n = int(u.num())
	}
	if flags&hasUsage != 0 {
		var c [usages]int64
		u.counters(c[:])
		e.Usage = usageOf(c[:])
	}
	if flags&hasCost != 0 {
		e.Costing = fold.Costing(u.num())
		var c [costs]int64
		u.counters(c[:])
		e.Cost = costOf(c[:])
	}
	e.Tags, e.Meta = u.texts(), u.texts()
	return u.err()
}

// places holds the packed positions of lines: the distance of each from the one before.
type places []byte

// maxPlaces limits the bytes of places in a row. The row is rewritten for each of its lines,
// so a larger limit would slow down entities with many lines.
const maxPlaces = 256

// number makes one number of a place.
func number(at store.Loc) int64 { return at.Block*store.BlockLines + int64(at.Index) }

// add adds places behind those before, of which last is the last.
func (p places) add(last int64, at []store.Loc) (places, int64) {
	for _, l := range at {
		p = binary.AppendVarint(p, number(l)-last)
		last = number(l)
	}
	return p, last
}

func (p places) each(fn func(int64)) {
	u, at := unpacker{b: p}, int64(0)
	for len(u.b) > 0 {
		if at += u.num(); !u.bad {
			fn(at)
		}
	}
}

// locs appends the places to at.
func (p places) locs(at []store.Loc) []store.Loc {
	p.each(func(n int64) {
		at = append(at, store.Loc{Block: n / store.BlockLines, Index: int(n % store.BlockLines)})
	})
	return at
}

// queryer is a transaction, or the connection that writes.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// maxArgs limits the arguments of one query.
const maxArgs = 256

// inChunks calls fn with arguments, maxArgs at most at a time, and as many placeholders.
func inChunks[T any](all []T, arg func(T) any, fn func(placeholders string, args []any) error) error {
	for len(all) > 0 {
		n := min(len(all), maxArgs)
		args := make([]any, n)
		for i := range args {
			args[i] = arg(all[i])
		}
		if err := fn("?"+strings.Repeat(", ?", n-1), args); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func keyArg(k fold.Key) any { return k[:] }
func enoArg(n int64) any    { return n }

// rowsOf returns the entities of a query for columns.
func (x *Index) rowsOf(ctx context.Context, q queryer, query string, args ...any) ([]*row, error) {
	var found []*row
	err := each(ctx, q, func(rows *sql.Rows) error {
		r, err := scanRow(rows)
		found = append(found, r)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return found, x.complete(ctx, q, found)
}

// complete sets the repository and the session key, which follow from the repository's name.
func (x *Index) complete(ctx context.Context, q queryer, rows []*row) error {
	for _, r := range rows {
		name, err := x.repos.name(ctx, q, r.repo)
		if err != nil {
			return err
		}
		r.entity.Repo = name
		if r.entity.SessionID != "" {
			r.entity.Session = fold.KeyOf(name, protocol.Ref{Kind: protocol.Session, ID: r.entity.SessionID})
		}
	}
	return nil
}

// rowsByKey returns the entities with the given keys that there are.
func (x *Index) rowsByKey(ctx context.Context, q queryer, keys []fold.Key) (found []*row, err error) {
	err = inChunks(keys, keyArg, func(placeholders string, args []any) error {
		some, err := x.rowsOf(ctx, q, `SELECT `+columns+` FROM entities e WHERE k IN (`+placeholders+`)`, args...)
		found = append(found, some...)
		return err
	})
	return found, err
}
