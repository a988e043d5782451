package sqlite

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/fold"
)

// errPacked is returned for a column whose bytes this package did not write.
var errPacked = errors.New("a packed column is damaged; rebuild the index")

// packer appends values to b. An unpacker must read them in the same order.
type packer struct{ b []byte }

func (p *packer) num(n int64)    { p.b = binary.AppendVarint(p.b, n) }
func (p *packer) bits(n uint64)  { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) key(k fold.Key) { p.b = append(p.b, k[:]...) }

func (p *packer) text(s string) {
	p.bits(uint64(len(s)))
	p.b = append(p.b, s...)
}

// time puts microseconds, which are odd, or 0 for the zero time.
func (p *packer) time(t time.Time) {
	if t.IsZero() {
		p.num(0)
	} else {
		p.num(t.UnixMicro()*2 + 1)
	}
}

func (p *packer) texts(m map[string]string) {
	p.bits(uint64(len(m)))
	for k, v := range m {
		p.text(k)
		p.text(v)
	}
}

// counters puts numbers most of which are 0, 64 at most.
func (p *packer) counters(counters []int64) {
	var set uint64
	for i, n := range counters {
		if n != 0 {
			set |= 1 << i
		}
	}
	p.bits(set)
	for _, n := range counters {
		if n != 0 {
			p.num(n)
		}
	}
}

// unpacker takes values in the order in which they were put. Behind the end, all
// values are zero and bad is set.
type unpacker struct {
	b   []byte
	bad bool
}

func (u *unpacker) num() int64 {
	v, n := binary.Varint(u.b)
	u.skip(n)
	return v
}

func (u *unpacker) bits() uint64 {
	v, n := binary.Uvarint(u.b)
	u.skip(n)
	return v
}

// skip takes n bytes; n is 0 or less where reading failed.
func (u *unpacker) skip(n int) {
	if n <= 0 {
		u.bad, u.b = true, nil
		return
	}
	u.b = u.b[n:]
}

func (u *unpacker) key() (k fold.Key) {
	u.bytes(k[:])
	return k
}

// bytes fills p.
func (u *unpacker) bytes(p []byte) {
	if len(u.b) < len(p) {
		u.skip(0)
		return
	}
	u.skip(copy(p, u.b))
}

func (u *unpacker) text() string {
	n := u.bits()
	if n == 0 {
		return ""
	}
	if n > uint64(len(u.b)) {
		u.skip(0)
		return ""
	}
	s := string(u.b[:n])
	u.skip(int(n))
	return s
}

func (u *unpacker) time() time.Time {
	if n := u.num(); n != 0 {
		return micros((n - 1) / 2)
	}
	return time.Time{}
}

func (u *unpacker) texts() map[string]string {
	n := u.bits()
	if n == 0 || n > uint64(len(u.b)) {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		k := u.text()
		m[k] = u.text()
	}
	return m
}

func (u *unpacker) counters(counters []int64) {
	set := u.bits()
	for i := range counters {
		if set&(1<<i) != 0 {
			counters[i] = u.num()
		}
	}
}

func (u *unpacker) err() error {
	if u.bad {
		return errPacked
	}
	return nil
}
