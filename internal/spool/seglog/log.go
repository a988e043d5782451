package seglog

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Kind is the type of a record's payload. The log stores it and never looks inside.
type Kind uint8

// The kinds in use.
const (
	Line       Kind = 1 // a finished line of the commit log
	Attachment Kind = 2 // an upload and its line
	LargeLine  Kind = 3 // a line too long for a batch, uploaded as a file
)

// Item is a record to append.
type Item struct {
	Kind Kind
	Lane uint16 // records of one lane are meant to keep their order; the log only stores it
	Data []byte // 1 byte to MaxData; it must not change after Append
	Cost int64  // passed to Config.Release once the memory of the record is free
}

// Record is a record as Read returns it.
type Record struct {
	Origin [16]byte // the process run that numbered it: (Origin, Seq) is unique for ever
	Seq    uint64
	Kind   Kind
	Lane   uint16 // of the Item; 0 if it was written by version 1 of the format
	Data   []byte
	Time   time.Time // of Append, to about a second; of a recovered record: when its segment was begun, as far as its age is known
}

// Policy determines when written records are synced.
type Policy uint8

// The policies. docs/internals/spool.md lists the failures that each survives.
const (
	// Group, the default, is one write and one sync for all records that wait, before
	// any of them can be read or counts as safe.
	Group Policy = iota
	// Interval writes at once and syncs every Config.Every, and when Sync asks for it.
	Interval
	// None leaves it to the operating system, unless Sync asks for it.
	None
)

// Config configures a Log. The zero value is a log in memory without limits.
type Config struct {
	// FS is the folder of the segments and the cursor. Nil means memory mode: records
	// live in memory until they are acknowledged.
	FS vfs.FS
	// Quarantine is the folder to which damaged and unknown segments are copied, at most
	// 64 MiB in total. Nil means that no copies are made.
	Quarantine vfs.FS

	Policy       Policy
	Every        time.Duration // of Interval; default 1 s
	SegmentBytes int64         // a segment that is longer is followed by a new one; default 16 MiB
	MaxBytes     int64         // of all segments; 0: no limit

	// MaxAge limits the age of a segment, which is then dropped as "too old"; 0 means no
	// limit. It is dropped up to an eighth later, so that none of its records is dropped
	// early. The age counts only time that the log knows to have passed, regardless of
	// changes to the time of day: see docs/internals/spool.md. Records in memory have no age.
	MaxAge time.Duration

	// DropOldest makes room at MaxBytes by dropping the oldest segments. If it is false,
	// new records stay in memory until there is space (State.Full).
	DropOldest bool

	// MemoryBytes limits the total cost of the records that are not on disk; 0 means no
	// limit. With DropOldest the limit is four times as high while the disk accepts
	// records. Above it the log drops the new record or, with DropOldest, the oldest one
	// in memory that is not being written or sent.
	MemoryBytes int64

	// RecentBytes limits the most recently written bytes that are kept in memory for
	// Read, in addition to MemoryBytes; 0 means that Read always reads from the files.
	RecentBytes int64

	// AEAD seals each payload; nil: they are stored in plain. It needs a nonce of 12
	// bytes and a tag of at most 16, such as AES-GCM.
	AEAD cipher.AEAD

	uptime func() (boot uint32, up time.Duration) // of the machine; nil: vfs.Uptime

	// Release is called with the cost of records whose memory the log no longer holds,
	// because they are on disk, acknowledged or dropped. It is called without any lock,
	// from the goroutine of the committer, of Ack or of Append, and must not block.
	Release func(cost int64)
	// Report is called with each event, in the same way as Release, and from Open and Read.
	Report func(Event)
}

// Errors of a Log.
var (
	ErrClosed     = errors.New("seglog: the log is closed")
	ErrFull       = errors.New("seglog: the segments have reached their limit of bytes; records are kept in memory until some are acknowledged")
	ErrNotDurable = errors.New("seglog: records are not on disk")
)

// Log is an append-only log of records. Its methods may be called concurrently, but
// Read and Ack by one goroutine only.
type Log struct {
	cfg    Config
	box    box // of the committer
	origin [16]byte
	clock  clock

	kick    chan struct{} // capacity 1: the committer has something to look at
	changed chan struct{} // capacity 1: see Changed
	stopped chan struct{} // closed when the committer has ended
	com     committer
	rd      reader

	mu       sync.Mutex
	mem      queue // guarded by mu, like all below
	recent   recent
	segs     []*segment // with records that can be read, oldest first
	trash    []*segment // to be removed once the cursor is past them
	damaged  []string   // segments to be copied to quarantine
	gaps     spans      // numbers above acked that nobody will ever read
	waiters  []*waiter
	appended uint64    // the last number given out
	written  uint64    // the last number on disk
	synced   uint64    // the last number on disk and synced
	unsure   span      // numbers in a file whose sync failed
	acked    uint64    // everything up to it is acknowledged or dropped
	dropTo   uint64    // the last number of the segments that were dropped
	dropWhy  string    // the reason for the last of these
	stored   uint64    // the cursor on disk
	handed   uint64    // the last number that Read returned
	urgent   uint64    // the highest number that a Sync waits for
	oldest   time.Time // when the first record of mem.rest was appended, about
	ackedAt  time.Time // when the first number was acknowledged that the cursor does not have
	read     int64     // bytes returned by Read since the cursor was stored
	disk     int64     // bytes of all segments
	unknown  int64     // State.Unknown
	recovery int64     // State.Recovered
	dropped  map[string]int64
	full     bool      // the last try to write met a full disk, or MaxBytes
	err      error     // of the last try to write, if it failed otherwise
	retryAt  time.Time // when writing is tried again after a failure
	tried    uint64    // the last number given out before the last failure
	space    bool      // segments were removed since the last try
	closing  bool
	closed   bool
	freed    int64   // cost to be released by unlock
	events   []Event // to be reported by unlock
}

// Open opens the log in cfg.FS, recovers its records, and starts its committer.
// Damaged files do not make it fail; it fails if the folder cannot be listed, if a file
// cannot be read for a reason that may pass, or if the AEAD does not fit.
func Open(cfg Config) (*Log, error) {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.SegmentBytes <= 0 {
		cfg.SegmentBytes = 16 << 20
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = math.MaxInt64
	}
	if cfg.MemoryBytes <= 0 {
		cfg.MemoryBytes = math.MaxInt64
	}
	sealer, err := newBox(cfg.AEAD)
	if err != nil {
		return nil, err
	}
	l := &Log{
		cfg:     cfg,
		box:     sealer,
		kick:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		stopped: make(chan struct{}),
		dropped: make(map[string]int64),
		clock:   newClock(cfg.uptime),
	}
	_, _ = rand.Read(l.origin[:])         // it never fails
	l.origin[6] = l.origin[6]&0x0f | 0x40 // RFC 9562: version 4,
	l.origin[8] = l.origin[8]&0x3f | 0x80 // and its variant
	l.recent.limit = cfg.RecentBytes
	l.com = committer{Log: l, cursor: cursorFile{fs: cfg.FS}, noted: l.clock.began}
	l.rd = reader{box: sealer}
	if cfg.FS != nil {
		if err := l.recover(); err != nil {
			return nil, fmt.Errorf("seglog: cannot use the folder: %w", err)
		}
	}
	go l.com.run()
	return l, nil
}

// Append takes items into the log, numbers them one after the other, and returns the
// last number given out. It does no I/O and never blocks. Items that are empty or longer
// than MaxData are dropped ("bad size"), items after Close too ("closed").
func (l *Log) Append(items []Item) (last uint64) {
	now := time.Now()
	l.mu.Lock()
	defer l.unlock()
	before := l.mem.frames
	at := int64(now.Sub(l.clock.began))
	for i := range items {
		l.append(&items[i], at)
	}
	switch {
	case l.cfg.FS == nil || l.mem.frames <= before:
	case before == 0:
		l.oldest = now
		notify(l.kick)
	case before < commitBytes && l.mem.frames >= commitBytes:
		notify(l.kick)
	}
	if l.serving() {
		notify(l.changed)
	}
	return l.appended
}

// append numbers one item and queues or drops it. A dropped item gets a number too, so that
// the caller's count and the sequence numbers stay in step. Callers must hold mu.
func (l *Log) append(item *Item, at int64) {
	l.appended++
	seq := l.appended
	switch {
	case l.closing:
		l.drop(seq, seq, "closed")
	case len(item.Data) == 0 || len(item.Data) > MaxData:
		l.drop(seq, seq, "bad size")
	case !l.admit(item.Cost):
		l.drop(seq, seq, "memory full")
	default:
		l.mem.push(entry{seq: seq, data: item.Data, cost: item.Cost, at: at, kind: item.Kind, lane: item.Lane})
		return
	}
	l.freed += item.Cost
}

// busyFactor multiplies Config.MemoryBytes while the disk accepts records and the oldest
// would be dropped: the excess will be written in a moment.
const busyFactor = 4

// admit makes room in memory for a record if it may, and reports whether there is room.
// Callers must hold mu.
func (l *Log) admit(cost int64) bool {
	limit := l.cfg.MemoryBytes
	if l.cfg.DropOldest && !l.serving() && limit < math.MaxInt64/busyFactor {
		limit *= busyFactor
	}
	if cost > limit {
		return false
	}
	for l.mem.cost+cost > limit {
		if !l.cfg.DropOldest || l.mem.rest.n == 0 {
			return false
		}
		e := l.mem.drop()
		l.freed += e.cost
		l.drop(e.seq, e.seq, "memory full")
	}
	return true
}

// Closing reports whether Close was called. Records appended since then are dropped.
func (l *Log) Closing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

// Next returns the lowest sequence number that is neither acknowledged nor dropped: where
// a reader begins.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked + 1
}

// Ack acknowledges all records up to to: they are done and will not be read again. The
// cursor is stored within 50 ms, or at once after 4 MiB. Only then are the segments below
// it removed, so that a crash in between sends records again but never loses one.
func (l *Log) Ack(to uint64) {
	l.mu.Lock()
	defer l.unlock()
	to = min(to, l.appended)
	if to <= l.acked || l.closed {
		return
	}
	idle := l.floor() <= l.stored
	l.acked = to
	l.settle()
	if idle {
		l.ackedAt = time.Now()
	}
	if idle || l.read >= cursorBytes || l.full || l.err != nil {
		notify(l.kick)
	}
}

// settle applies the current acked and gaps to all derived state. Callers must hold mu.
func (l *Log) settle() {
	l.acked = l.gaps.skip(l.acked)
	l.gaps.forget(l.acked)
	l.freed += l.mem.done(l.acked)
	l.recent.done(l.acked)
	l.retire()
	l.wake()
}

// floor returns the position that the cursor on disk should have. Callers must hold mu.
func (l *Log) floor() uint64 { return max(l.acked, l.dropTo) }

// safe returns the last number up to which everything is durable, acknowledged or dropped.
// Callers must hold mu.
func (l *Log) safe() uint64 {
	n := l.synced
	if l.unsure.to > l.acked {
		n = min(n, l.unsure.from-1)
	}
	return l.gaps.skip(max(n, l.acked))
}

// serving reports whether records are read from memory. Callers must hold mu.
func (l *Log) serving() bool { return l.cfg.FS == nil || l.err != nil || l.full }

// Changed returns a channel that receives a value after something became readable.
func (l *Log) Changed() <-chan struct{} { return l.changed }

// Close writes the records in memory, stores the cursor and closes the files. If ctx ends
// first, Close returns its cause and the rest happens in the background. It returns
// ErrNotDurable, with their number, if records could not be written and are lost.
// Pending calls of Sync and WaitAcked return ErrClosed; a second Close waits like the first.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	notify(l.kick)
	select {
	case <-l.stopped:
	case <-ctx.Done():
		return fmt.Errorf("seglog: close: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	n, why := l.com.left, l.com.why
	l.mu.Unlock()
	switch {
	case n == 0:
		return nil
	case l.cfg.FS == nil:
		return fmt.Errorf("%w: %d, because the log has no folder", ErrNotDurable, n)
	}
	return fmt.Errorf("%w: %d, because of: %w", ErrNotDurable, n, why)
}

// unlock releases mu and then calls Release and Report: never under the lock, because they
// may call the log.
func (l *Log) unlock() {
	freed, events := l.freed, l.events
	l.freed, l.events = 0, nil
	l.mu.Unlock()
	if freed > 0 && l.cfg.Release != nil {
		l.cfg.Release(freed)
	}
	if l.cfg.Report != nil {
		for _, e := range events {
			l.cfg.Report(e)
		}
	}
}

// notify puts a value into a channel of capacity 1 unless there is one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
