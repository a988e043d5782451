package seglog

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// model is what a log should be, in the simplest form.
type model struct {
	log     *Log
	cfg     Config
	texts   map[uint64]string // of everything that was ever appended
	next    uint64            // the first number that the reader does not have
	have    map[uint64]bool   // read and not acknowledged
	rewound bool              // records were given up in this run
	run     struct{ appended, acked int64 }
	held    atomic.Int64 // cost that was not released
}

func (m *model) start(t *rapid.T) {
	var err error
	if m.log, err = Open(m.cfg); err != nil {
		t.Fatal(err)
	}
	m.next, m.have = m.log.Next(), map[uint64]bool{}
	m.run.appended, m.run.acked, m.rewound = 0, 0, false
}

func (m *model) append(t *rapid.T) {
	items := make([]Item, rapid.IntRange(1, 8).Draw(t, "items"))
	first := m.log.State().Appended + 1
	for i := range items {
		text := fmt.Sprintf("%d %0*d", first+uint64(i), rapid.IntRange(0, 100).Draw(t, "length"), 0)
		items[i] = Item{Kind: LargeLine, Data: []byte(text), Cost: int64(len(text))}
		m.texts[first+uint64(i)] = text
		m.held.Add(int64(len(text)))
	}
	m.run.appended += int64(len(items))
	if last := m.log.Append(items); last != first+uint64(len(items))-1 {
		t.Fatalf("Append returned %d after %d and %d items", last, first-1, len(items))
	}
}

func (m *model) read(t *rapid.T) {
	limit, bytes := rapid.IntRange(1, 10).Draw(t, "records"), rapid.IntRange(1, 600).Draw(t, "bytes")
	recs, err := m.log.Read(nil, m.next, limit, bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for i, r := range recs {
		sum += len(r.Data) + 1
		if r.Seq < m.next || string(r.Data) != m.texts[r.Seq] || r.Kind != LargeLine || r.Origin != recs[0].Origin {
			t.Fatalf("read %d %q at %d, want %q", r.Seq, r.Data, m.next, m.texts[r.Seq])
		}
		if i > 0 && sum > bytes || i == limit {
			t.Fatalf("%d records of %d bytes, asked for %d of %d", len(recs), sum, limit, bytes)
		}
		m.have[r.Seq] = true
		m.next = r.Seq + 1
	}
}

// rewind makes the reader read again from what is not acknowledged.
func (m *model) rewind(*rapid.T) {
	m.rewound = m.rewound || len(m.have) > 0
	m.next, m.have = m.log.Next(), map[uint64]bool{}
}

func (m *model) ack(t *rapid.T) {
	to := rapid.Uint64Range(0, m.next-1).Draw(t, "to")
	m.log.Ack(to)
	for seq := range m.have {
		if seq <= to {
			delete(m.have, seq)
			m.run.acked++
		}
	}
}

func (m *model) sync(t *rapid.T) {
	last := m.log.State().Appended
	if s := m.log.State(); m.cfg.FS == nil || m.cfg.MaxBytes > 0 && !m.cfg.DropOldest || s.Full {
		return // it would wait for acknowledgements
	}
	if err := m.log.Sync(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if s := m.log.State(); s.Durable < last {
		t.Fatalf("synced up to %d, but %+v", last, s)
	}
}

func (m *model) reopen(t *rapid.T) {
	before := m.log.State()
	err := m.log.Close(t.Context())
	if n := m.held.Load(); n != 0 {
		t.Fatalf("%d bytes of memory were not released at Close", n)
	}
	after := m.log.State()
	inHand := m.rewound || len(m.have) > 0 // of segments that were dropped, perhaps
	m.start(t)
	if s := m.log.State(); err == nil && m.cfg.FS != nil && !inHand && s.Recovered != after.Unacked {
		t.Fatalf("recovered %+v, before Close %+v, after Close %+v", s, before, after)
	}
}

// balance checks that every record is accounted for once.
func (m *model) balance(t *rapid.T) {
	s := m.log.State()
	var dropped int64
	for _, n := range s.Dropped {
		dropped += n
	}
	if m.run.appended+s.Recovered != m.run.acked+s.Unacked+dropped {
		t.Fatalf("appended %d + recovered %d != acked %d + unacked %d + dropped %v", m.run.appended, s.Recovered, m.run.acked, s.Unacked, s.Dropped)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{texts: map[uint64]string{}}
		m.cfg = Config{
			RecentBytes:  rapid.SampledFrom([]int64{0, 300, 1 << 20}).Draw(t, "recent"),
			SegmentBytes: rapid.SampledFrom([]int64{150, 500, 4000}).Draw(t, "segment"),
			Policy:       rapid.SampledFrom([]Policy{Group, Interval, None}).Draw(t, "policy"),
			MaxBytes:     rapid.SampledFrom([]int64{0, 0, 1500}).Draw(t, "max"),
			MemoryBytes:  rapid.SampledFrom([]int64{0, 0, 400}).Draw(t, "memory"),
			DropOldest:   rapid.Bool().Draw(t, "drop oldest"),
		}
		if rapid.IntRange(0, 4).Draw(t, "disk") > 0 {
			m.cfg.FS = vfs.NewMem()
		}
		if rapid.Bool().Draw(t, "sealed") {
			m.cfg.AEAD = aead
		}
		m.cfg.Release = func(n int64) { m.held.Add(-n) }
		m.start(t)
		defer func() { _ = m.log.Close(t.Context()) }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "read": m.read, "ack": m.ack, "sync": m.sync,
			"rewind": m.rewind, "reopen": m.reopen, "": m.balance,
		})
	})
}
