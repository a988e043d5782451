package sqlite

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/words"
)

// Find implements store.Search. It reads the parts from the newest on, and takes from each
// only as many hits as are still missing.
func (x *Search) Find(ctx context.Context, q store.SearchQuery) ([]store.Hit, error) {
	match, err := matchOf(q)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return nil, store.ErrClosed
	}
	var hits []store.Hit
	for i := len(x.parts) - 1; i >= 0 && match != "" && len(hits) < q.Limit; i-- {
		found, err := x.parts[i].find(ctx, match, q, q.Limit-len(hits))
		if err != nil {
			return nil, err
		}
		hits = append(hits, found...)
	}
	return hits, nil
}

// matchOf returns a query as FTS5 has it, or "" if nothing can match. It consists of
// quoted words, and of operators that this function alone puts there: words have no
// quotes, and nothing else that could end them.
func matchOf(q store.SearchQuery) (string, error) {
	terms, bytes := len(q.Words)+len(q.Phrases)+len(q.Not), 0
	for _, list := range [][]string{q.Words, q.Phrases, q.Not} {
		for _, term := range list {
			bytes += len(term)
		}
	}
	if terms > store.MaxTerms || bytes > store.MaxTermsBytes {
		return "", store.ErrQuery
	}
	all := quoted(nil, q.Words, " AND ")
	all = quoted(all, q.Phrases, " AND ")
	if len(all) == 0 {
		return "", nil
	}
	if not := quoted(nil, q.Not, " OR "); len(not) > 0 {
		all = append(append(append(append([]byte{'('}, all...), ") NOT ("...), not...), ')')
	}
	return string(all), nil
}

// quoted appends terms, each quoted, with an operator between them. Those that hold no
// word are left out.
func quoted(dst []byte, terms []string, operator string) []byte {
	for _, term := range terms {
		words := words.Append(nil, term)
		if len(words) == 0 {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, operator...)
		}
		dst = append(append(append(dst, '"'), words[1:]...), '"')
	}
	return dst
}

// find returns hits of this part, newest first.
func (p *searchPart) find(ctx context.Context, match string, q store.SearchQuery, limit int) ([]store.Hit, error) {
	var hits []store.Hit
	err := p.view(ctx, "searching", func(tx *sql.Tx) error {
		first, last, err := bounds(ctx, tx, q)
		if err != nil || first > last {
			return err
		}
		return each(ctx, tx, func(row *sql.Rows) error {
			var id, recv int64
			if err := row.Scan(&id, &recv); err != nil {
				return err
			}
			hits = append(hits, store.Hit{
				Loc:  store.Loc{Block: blockOf(id), Index: int(id & (1<<blockShift - 1))},
				Recv: micros(recv),
			})
			return nil
		}, `SELECT rowid, (SELECT recv FROM blocks WHERE bno = words.rowid >> ?5 & ?6) FROM words
			WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4`,
			match, first, last, limit, blockShift, maxBlockNo)
	})
	return hits, err
}

func blockOf(rowid int64) int64 { return rowid >> blockShift & maxBlockNo }

// bounds returns the least and the greatest rowid that can be asked for: none where the
// first is greater. Both follow from the repository and from numbers of blocks, since
// times of reception grow with those.
func bounds(ctx context.Context, tx *sql.Tx, q store.SearchQuery) (first, last int64, err error) {
	var rno, least, most int64
	err = tx.QueryRowContext(ctx, `SELECT
		coalesce((SELECT rno FROM repos WHERE name = ?1), 0),
		max((SELECT gone + 1 FROM cur), coalesce((SELECT bno FROM blocks WHERE recv >= ?2 ORDER BY recv, bno LIMIT 1), ?4)),
		coalesce((SELECT bno FROM blocks WHERE recv < ?3 ORDER BY recv DESC, bno DESC LIMIT 1), -1)`,
		q.Repo, timeOr(q.From, math.MinInt64), timeOr(q.To, math.MaxInt64), maxBlockNo).Scan(&rno, &least, &most)
	if err != nil || rno == 0 || least > most {
		return 1, 0, err
	}
	first = rowid(rno, store.Loc{Block: least})
	last = rowid(rno, store.Loc{Block: most, Index: store.BlockLines - 1})
	if q.After != (store.Loc{}) {
		last = min(last, rowid(rno, q.After)-1)
	}
	return first, last, nil
}

// timeOr returns a time as it is stored, or other for the zero time.
func timeOr(t time.Time, other int64) int64 {
	if t.IsZero() {
		return other
	}
	return t.UnixMicro()
}
