package seglogtest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// PowerLossTrial runs a log on a disk that loses power at a random moment, several times
// over, sometimes while it recovers; in some trials calls fail too. In each run several
// goroutines append and sync, one
// reads and acknowledges, and segments are tiny. After each loss it checks that
//
//   - every record is there for which Sync had returned nil and that was not
//     acknowledged,
//   - no record is there that was not written, with another content, under another
//     number or origin, or out of order,
//   - missing numbers between the records that are there were never synced, and are
//     counted exactly, as damaged or as unknown.
//
// The error contains the violation and the seed. A trial takes some milliseconds, or some
// hundred if it waits for the cursor; in a testing/synctest bubble it takes no time at all.
func PowerLossTrial(seed uint64) error {
	t := &trial{
		rnd:      rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // a trial must be repeatable
		disk:     vfs.NewMem(),
		records:  map[string]*record{},
		required: map[uint64]*record{},
		runs:     map[[16]byte]int{},
	}
	t.configure()
	for t.run = 1; t.run <= 4; t.run++ {
		if err := t.once(); err != nil {
			return fmt.Errorf("seed %d, run %d (%s): %w", seed, t.run, t.about, err)
		}
		t.disk = t.disk.Crash(t.rnd)
	}
	return nil
}

// record is a record that a trial appended.
type record struct {
	run  int
	seq  uint64
	data string
}

type trial struct {
	rnd    *rand.Rand
	disk   *vfs.Mem
	cfg    seglog.Config
	about  string
	faulty bool
	run    int
	runs   map[[16]byte]int // which run an origin belongs to

	recovered uint64 // the last number that this run did not give out

	mu       sync.Mutex
	records  map[string]*record // by content; guarded by mu
	required map[uint64]*record // synced and not acknowledged; guarded by mu
	acked    uint64             // guarded by mu
}

// configure chooses the settings of the trial: small segments, so that each run crosses
// several, all policies, sometimes sealed, sometimes with failing calls.
func (t *trial) configure() {
	t.cfg = seglog.Config{
		SegmentBytes: []int64{200, 1500, 6000}[t.rnd.IntN(3)],
		Policy:       []seglog.Policy{seglog.Group, seglog.Group, seglog.Interval, seglog.None}[t.rnd.IntN(4)],
		Every:        20 * time.Millisecond,
	}
	if t.rnd.IntN(4) == 0 {
		block, _ := aes.NewCipher(make([]byte, 16)) // the length is right
		t.cfg.AEAD, _ = cipher.NewGCM(block)
	}
	t.faulty = t.rnd.IntN(4) == 0
	t.about = fmt.Sprintf("policy %d, segments of %d bytes, sealed %v, faulty %v", t.cfg.Policy, t.cfg.SegmentBytes, t.cfg.AEAD != nil, t.faulty)
}

// faults is the disk with errors at one in 30 of the calls that change something.
func (t *trial) faults() vfs.FS {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(t.rnd.Uint64(), 5)) //nolint:gosec // as above
	return vfs.NewFaulty(t.disk, func(_ vfs.Op, _ string, n int) error {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 || rnd.IntN(30) > 0 {
			return nil
		}
		return []error{syscall.EIO, syscall.ENOSPC}[rnd.IntN(2)]
	})
}

// once is one run of a process, from its start to the loss of power.
func (t *trial) once() error {
	ctx, lost := context.WithCancelCause(context.Background())
	defer lost(nil)
	cfg := t.cfg
	cfg.Report = func(e seglog.Event) {
		if errors.Is(e.Err, vfs.ErrPowerLost) {
			lost(e.Err)
		}
	}
	if t.rnd.IntN(5) > 0 {
		t.disk.CrashAt(t.disk.Ops() + 1 + t.rnd.IntN(120))
	}
	var err error
	if cfg.Quarantine, err = t.disk.Folder("quarantine"); err != nil {
		return powerIsLost(err)
	}
	cfg.FS = t.disk
	if t.faulty {
		cfg.FS = t.faults()
	}
	log, err := seglog.Open(cfg)
	if err != nil {
		return powerIsLost(err)
	}
	defer func() { _ = log.Close(context.Background()) }() // of a disk that is not used any more
	if err := t.check(log); err != nil {
		return powerIsLost(err)
	}
	if err := t.work(ctx, log); err != nil {
		return powerIsLost(err)
	}
	if t.rnd.IntN(3) == 0 {
		last := log.State().Appended
		if log.Close(context.Background()) == nil {
			t.synced(last)
		}
	}
	return nil
}

// powerIsLost leaves out an error that the loss of power explains.
func powerIsLost(err error) error {
	if errors.Is(err, vfs.ErrPowerLost) {
		return nil
	}
	return err
}

// check compares the recovered records with those that must be there.
func (t *trial) check(log *seglog.Log) error {
	found := map[uint64]*record{}
	state := log.State()
	next := log.Next()
	for from := next; ; {
		recs, err := log.Read(nil, from, 1+t.rnd.IntN(9), 1+t.rnd.IntN(5000))
		if err != nil {
			return err
		}
		if len(recs) == 0 {
			break
		}
		for i := range recs {
			if recs[i].Seq < from {
				return fmt.Errorf("record %d was read after %d", recs[i].Seq, from-1)
			}
			if found[recs[i].Seq], err = t.known(&recs[i]); err != nil {
				return err
			}
			from = recs[i].Seq + 1
		}
	}
	for seq, r := range t.required {
		if seq >= next && found[seq] != r {
			return fmt.Errorf("record %d was synced and is lost; %d found, state %+v", seq, len(found), state)
		}
		if seq < next && seq > t.acked {
			return fmt.Errorf("record %d was synced and passed over: next is %d, acknowledged %d", seq, next, t.acked)
		}
	}
	t.recovered = state.Appended
	// Lost numbers are between those that were found, or right behind the cursor, and
	// then Acked has passed them.
	missing := int64(state.Appended-state.Acked) - int64(len(found))
	passed := state.Dropped["damaged"] + state.Unknown - missing
	if t.faulty {
		passed = max(passed, 0) // records acknowledged in memory were never written
	}
	if state.Recovered != int64(len(found)) || passed < 0 || passed > int64(state.Acked) {
		return fmt.Errorf("%d records are missing and %d found, but the state is %+v", missing, len(found), state)
	}
	if log.State().Durable >= state.Appended {
		t.required = found // they were synced by the recovery
	}
	return nil
}

// known finds a record that was read among those that were appended.
func (t *trial) known(got *seglog.Record) (*record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.records[string(got.Data)]
	if r == nil {
		return nil, fmt.Errorf("record %d has a content that nobody appended: %.40q", got.Seq, got.Data)
	}
	if r.seq != 0 && r.seq != got.Seq {
		return nil, fmt.Errorf("record %d came back as %d", r.seq, got.Seq)
	}
	if run, ok := t.runs[got.Origin]; ok && run != r.run {
		return nil, fmt.Errorf("record %d of run %d has the origin of run %d", got.Seq, r.run, run)
	}
	t.runs[got.Origin] = r.run
	return r, nil
}

// work appends, syncs, reads and acknowledges until there is no more power or no more
// work.
func (t *trial) work(ctx context.Context, log *seglog.Log) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	var writers sync.WaitGroup
	for w := range 3 {
		seed := t.rnd.Uint64()
		writers.Go(func() { t.write(ctx, log, w, rand.New(rand.NewPCG(seed, 3))) }) //nolint:gosec // as above
	}
	ended := make(chan struct{})
	go func() { writers.Wait(); close(ended) }()
	err := t.read(ctx, log, ended)
	<-ended
	if t.rnd.IntN(4) == 0 && ctx.Err() == nil {
		pause(ctx, 100*time.Millisecond) // the cursor is stored
	}
	return err
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// write appends batches and syncs about half of them. A record is registered before it is
// appended, because the reader may see it before Append returns.
func (t *trial) write(ctx context.Context, log *seglog.Log, writer int, rnd *rand.Rand) {
	for n := range 12 {
		batch := make([]seglog.Item, 1+rnd.IntN(4))
		own := make([]*record, len(batch))
		t.mu.Lock()
		for i := range batch {
			data := fmt.Appendf(nil, "run %d writer %d record %d.%d ", t.run, writer, n, i)
			for range rnd.IntN(60) {
				data = fmt.Appendf(data, "%x", rnd.Uint64())
			}
			batch[i] = seglog.Item{Kind: seglog.Line, Data: data, Cost: 1}
			own[i] = &record{run: t.run, data: string(data)}
			t.records[string(data)] = own[i]
		}
		t.mu.Unlock()
		last := log.Append(batch)
		t.mu.Lock()
		for i, r := range own {
			r.seq = last - uint64(len(own)-1-i)
		}
		t.mu.Unlock()
		if rnd.IntN(2) == 0 && log.Sync(ctx, last) == nil {
			t.synced(last)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// synced notes that everything up to last is durable, or acknowledged. A record whose
// writer does not know its number yet is left out.
func (t *trial) synced(last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.records {
		if r.run == t.run && r.seq != 0 && r.seq <= last && r.seq > t.acked {
			t.required[r.seq] = r
		}
	}
}

// read reads and acknowledges until the writers have ended.
func (t *trial) read(ctx context.Context, log *seglog.Log, ended chan struct{}) error {
	rnd := rand.New(rand.NewPCG(t.rnd.Uint64(), 4)) //nolint:gosec // as above
	from := log.Next()
	recovered := t.recovered
	var recs []seglog.Record
	for {
		var err error
		if recs, err = log.Read(recs[:0], from, 1+rnd.IntN(20), 1+rnd.IntN(9000)); err != nil {
			return err
		}
		for i := range recs {
			if recs[i].Seq != from && (recs[i].Seq < from || from > recovered) {
				return fmt.Errorf("record %d was read after %d", recs[i].Seq, from-1)
			}
			if _, err := t.known(&recs[i]); err != nil {
				return err
			}
			from = recs[i].Seq + 1
		}
		if from > log.Next() && rnd.IntN(3) == 0 {
			t.acknowledge(log, log.Next()+rnd.Uint64N(from-log.Next()))
		}
		if len(recs) > 0 {
			continue
		}
		select {
		case <-log.Changed():
		case <-ended:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// acknowledge removes the records from the required ones before it calls Ack: afterwards a
// crash may take them away.
func (t *trial) acknowledge(log *seglog.Log, to uint64) {
	t.mu.Lock()
	t.acked = max(t.acked, to)
	for seq := range t.required {
		if seq <= to {
			delete(t.required, seq)
		}
	}
	t.mu.Unlock()
	log.Ack(to)
}
