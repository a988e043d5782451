package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/troupelog/troupe/internal/fold"
)

// maxCached limits each half of the cache, so at most twice as many entities are in memory.
// That covers a few thousand traces that grow at the same time.
const maxCached = 16_384

// lru keeps the entries used last. When the young half is full it becomes the old half, and
// entries of the previous old half that were not used since are dropped.
type lru[K comparable, V any] struct {
	limit      int
	young, old map[K]V
}

func (r *lru[K, V]) get(key K) (V, bool) {
	v, ok := r.young[key]
	if !ok {
		if v, ok = r.old[key]; ok {
			r.put(key, v)
		}
	}
	return v, ok
}

func (r *lru[K, V]) put(key K, v V) {
	if r.young == nil || len(r.young) >= r.limit {
		r.young, r.old = make(map[K]V), r.young
	}
	r.young[key] = v
}

func (r *lru[K, V]) clear() { r.young, r.old = nil, nil }

// cache holds entities as of one version of the file, and nil for keys known to be absent. It is safe for concurrent use.
type cache struct {
	mu      sync.Mutex
	version int64               // guarded by mu
	rows    lru[fold.Key, *row] // guarded by mu
}

// get returns the entities that are known in a version, and the keys of all others. A
// newer version empties the cache, because another process has written to the file.
func (c *cache) get(version int64, keys []fold.Key) (known []*row, unknown []fold.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version > c.version {
		c.version = version
		c.rows.clear()
	}
	if version != c.version {
		return nil, keys
	}
	for _, k := range keys {
		switch r, ok := c.rows.get(k); {
		case !ok:
			unknown = append(unknown, k)
		case r != nil:
			known = append(known, r)
		}
	}
	return known, unknown
}

// fill caches the rows read for the given keys. It does nothing if the cache has moved to
// another version meanwhile.
func (c *cache) fill(version int64, keys []fold.Key, rows []*row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version {
		return
	}
	found := make(map[fold.Key]*row, len(rows))
	for _, r := range rows {
		found[r.entity.Key] = r
	}
	for _, k := range keys {
		c.rows.put(k, found[k])
	}
}

// move goes to the next version, in which the given entities were written.
func (c *cache) move(version int64, rows []*row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version+1 {
		c.rows.clear()
	}
	c.version = version
	for _, r := range rows {
		c.rows.put(r.entity.Key, r)
	}
}

// clear forgets everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows.clear()
}

// repos knows the numbers of repositories, which never change. It is safe for
// concurrent use.
type repos struct {
	mu     sync.Mutex
	names  map[int64]string // guarded by mu
	number map[string]int64 // guarded by mu
}

func (r *repos) name(ctx context.Context, q queryer, number int64) (string, error) {
	r.mu.Lock()
	name, ok := r.names[number]
	r.mu.Unlock()
	if ok {
		return name, nil
	}
	if err := q.QueryRowContext(ctx, `SELECT name FROM repos WHERE repo = ?`, number).Scan(&name); err != nil {
		return "", err
	}
	r.keep(number, name)
	return name, nil
}

// lookup returns the number of a repository, 0 if it has none.
func (r *repos) lookup(ctx context.Context, q queryer, name string) (number int64, err error) {
	r.mu.Lock()
	number, ok := r.number[name]
	r.mu.Unlock()
	if ok {
		return number, nil
	}
	err = q.QueryRowContext(ctx, `SELECT repo FROM repos WHERE name = ?`, name).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		r.keep(number, name)
	}
	return number, err
}

func (r *repos) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.number = nil, nil
}

func (r *repos) keep(number int64, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names == nil {
		r.names, r.number = map[int64]string{}, map[string]int64{}
	}
	r.names[number], r.number[name] = name, number
}
