package logger

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// destination is one place where entries go: the one that New was given, or a sink.
type destination struct {
	cfg   Config
	extra bool // added by AddSink
	sink  *delivery.Destination
	spool *spool.Spool
	// lost says why entries are not on disk though they should be: the spool could not be
	// opened.
	lost    error
	dir     string // the folder of the spool, "" with Durability: Memory
	release func() // ends its connections
}

// dial makes the client of a destination.
func dial(c Config) (*transport.HTTP, error) {
	h, err := transport.New(transport.Config{
		BaseURL: c.BaseURL, RepositoryID: c.ID, APIKey: c.APIKey, AllowInsecure: c.AllowInsecure, RoundTripper: c.Transport, InFlight: c.InFlight,
	})
	if err == nil {
		return h, nil
	}
	var bad *transport.ConfigError
	if !errors.As(err, &bad) {
		return nil, &ConfigError{Field: "BaseURL", Reason: "cannot be used", Err: err}
	}
	field := bad.Field
	if field == "RepositoryID" {
		field = "ID"
	}
	reason := bad.Reason
	if strings.Contains(reason, "AllowInsecure") {
		reason += ", or $" + EnvAllowInsecure + "=1"
	}
	return nil, &ConfigError{Field: field, Reason: reason, Err: err}
}

// open opens the spool of a destination and starts to deliver from it. Memory is
// the bound of what is not on disk, 0 where it is the account's alone; account is nil
// for a sink that AddSink adds. Where the disk cannot be used, entries are kept in memory, unless
// RequireDurable says that this is an error.
func (l *Logger) open(c Config, client transport.Backend, memory int64, account *ledger.Ledger) (*destination, error) {
	d := &destination{cfg: c, extra: account == nil, release: func() {}}
	sc := spool.Config{
		Dir: c.SpoolDir, Target: spool.Target(c.BaseURL, c.ID), Every: c.SyncEvery, MaxBytes: c.MaxSpoolBytes, MaxAge: c.MaxSpoolAge,
		DropOldest: c.OnFull == DropOldest, MemoryBytes: memory,
		Report: func(e seglog.Event) { l.spoolEvent(d, e) },
	}
	var charge func(int64)
	if account != nil {
		sc.Release, charge = account.Release, account.Charge
	}
	switch c.Durability {
	case SyncInterval:
		sc.Policy = seglog.Interval
	case SyncNone:
		sc.Policy = seglog.None
	}
	if sc.Dir, d.lost = spoolDir(c); d.lost == nil {
		d.dir = sc.Dir
		d.spool, d.lost = openSpool(c, sc)
	}
	if d.lost != nil {
		if c.RequireDurable {
			return nil, &Error{Reason: ErrSpool, Detail: "Config.RequireDurable is set", Err: d.lost}
		}
		l.report.tell(&Error{Reason: ErrSpool, Kept: true, Err: d.lost, Detail: "entries are kept in memory; see Config.SpoolDir"})
	}
	if d.spool == nil {
		d.spool = spool.Memory(sc)
	}
	age := c.FlushInterval
	if c.ManualFlush {
		age = -1
	}
	d.sink = delivery.Start(delivery.Config{
		Repository: c.ID, Spool: d.spool, Backend: client,
		BatchEntries: min(MaxBatchEntries, int(max(1, c.MaxBytes/batchesInMemory/smallEntry))),
		BatchBytes:   min(MaxBatchBytes, int(max(1, c.MaxBytes/batchesInMemory))),
		InFlight:     c.InFlight, Age: age, Charge: charge, Report: func(e delivery.Event) { l.deliveryEvent(d, e) },
	})
	return d, nil
}

// A batch is due before it takes a large part of a small Config.MaxBytes: where there
// is no disk, its entries keep their room until they are delivered.
const (
	batchesInMemory = 4
	smallEntry      = 512 // bytes, with what it is charged for
)

// spoolDir returns the folder of the spool, "" where the user wants none.
func spoolDir(c Config) (string, error) {
	if c.Durability == Memory || c.SpoolDir != "" {
		return c.SpoolDir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no default for Config.SpoolDir: %w", err)
	}
	return filepath.Join(cache, "troupe"), nil
}

// openSpool returns nil without an error where the user wants none.
func openSpool(c Config, sc spool.Config) (*spool.Spool, error) {
	if c.Durability == Memory {
		return nil, nil
	}
	if sc.MaxBytes == 0 {
		sc.MaxBytes = defaultSpoolBytes(sc.Dir)
	}
	if len(c.SpoolKey) > 0 {
		block, err := aes.NewCipher(c.SpoolKey)
		if err != nil {
			return nil, err
		}
		if sc.AEAD, err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
	}
	return spool.Open(sc)
}

// defaultSpoolBytes is DefaultMaxSpoolBytes, or a tenth of the free disk space.
func defaultSpoolBytes(dir string) int64 {
	folder, err := vfs.OS(dir)
	if err != nil {
		return DefaultMaxSpoolBytes // opening the spool will say what is wrong
	}
	free, err := folder.Free()
	if err := errors.Join(err, folder.Close()); err != nil {
		return DefaultMaxSpoolBytes
	}
	return min(DefaultMaxSpoolBytes, max(free/10, leastSpoolBytes))
}

// leastSpoolBytes is the least that a default gives: four segments.
const leastSpoolBytes = 64 << 20

// AddSink adds a destination: from now on, every entry goes there too, with its own
// spool, sender and repository id, so that a slow or dead sink delays nobody. c says
// where to deliver and how to keep entries until then: ID, APIKey, BaseURL, AllowInsecure,
// Transport, ManualFlush, FlushInterval, InFlight and the fields from SpoolDir to MaxBytes are used,
// and nothing from the environment. Every other field belongs to New and is refused: a
// sink gets the entries as Config.Mask, OmitContent, Sample and Tail of the logger left
// them. A call never waits for a sink: when the sink has no room its entries are dropped
// and counted, also with Block, and SyncEach is refused. Flush, Sync and Close cover all
// sinks. It fails with a *ConfigError, or an *Error with ErrClosed or ErrSpool.
func (l *Logger) AddSink(c Config) error {
	if l == nil {
		return nil
	}
	if err := cmp.Or(c.forSink(), c.effective()); err != nil {
		return err
	}
	// The environment speaks of the first destination: its key is nobody else's business.
	c = c.withDefaults(func(string) string { return "" })
	if err := c.validate(); err != nil {
		return err
	}
	client, err := dial(c)
	if err != nil {
		return err
	}
	return l.addSink(c, client, client.Close)
}

func (l *Logger) addSink(c Config, client transport.Backend, release func()) error {
	l.growing.Lock()
	defer l.growing.Unlock()
	if l.closed.Load() {
		return &Error{Reason: ErrClosed, Detail: "the sink was added after Close"}
	}
	if len(*l.destinations.Load()) == maxDestinations {
		release()
		return &ConfigError{Field: "ID", Reason: "is that of one sink too many: a logger has at most " + strconv.Itoa(maxDestinations-1)}
	}
	for _, d := range *l.destinations.Load() {
		if spool.Target(d.cfg.BaseURL, d.cfg.ID) == spool.Target(c.BaseURL, c.ID) {
			return &ConfigError{Field: "ID", Reason: "is that of a destination which this logger has already"}
		}
	}
	d, err := l.open(c, client, c.MaxBytes, nil)
	if err != nil {
		release()
		return err
	}
	d.release = release
	grown := append(append([]*destination(nil), *l.destinations.Load()...), d)
	l.destinations.Store(&grown)
	return nil
}

// maxDestinations is how many there are at most, the first one included.
const maxDestinations = 64

// primary is the destination that New was given.
func (l *Logger) primary() *destination { return (*l.destinations.Load())[0] }

// out gives entries to every destination; the writer calls it.
func (l *Logger) out(entries []messages.Entry) {
	if l.sampler != nil {
		l.sampler.Take(entries)
		return
	}
	l.toSinks(entries)
}

// toSinks hands entries to all destinations.
func (l *Logger) toSinks(entries []messages.Entry) {
	for i, d := range *l.destinations.Load() {
		d.sink.Append(stored(entries, i))
	}
}

// stored returns the entries as the destination of an index gets them: without the
// contents that its spool does not have.
func stored(entries []messages.Entry, index int) []messages.Entry {
	lacks := func(e messages.Entry) bool {
		return e.Upload != nil && e.Upload.Blob != "" && e.Upload.Stored&(1<<index) == 0
	}
	if !slices.ContainsFunc(entries, lacks) {
		return entries
	}
	entries = slices.Clone(entries)
	for i := range entries {
		if lacks(entries[i]) {
			line := *entries[i].Upload
			line.Blob, line.Held = "", 0
			entries[i].Upload = &line
		}
	}
	return entries
}

// each calls f for all destinations at once and joins their errors.
func (l *Logger) each(f func(*destination) error) error {
	all := *l.destinations.Load()
	errs := make([]error, len(all))
	done := make(chan struct{})
	for i, d := range all[1:] {
		go func() {
			defer func() { done <- struct{}{} }()
			errs[i+1] = f(d)
		}()
	}
	errs[0] = f(all[0])
	for range all[1:] {
		<-done
	}
	return errors.Join(errs...)
}

// Sync waits until everything accepted before the call is safe: on disk and synced,
// or, where the disk does not take it and with Memory, delivered. It fails with an
// *Error with ErrNotDurable when ctx ends first, or with ErrDropped when entries were
// given up that no earlier Sync or Flush told of; nothing that is still kept is lost by that.
func (l *Logger) Sync(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.covered(ctx, ErrNotDurable, "sync", (*delivery.Destination).Sync)
}

// Flush sends what was accepted before the call and waits until every server has
// acknowledged it, or ctx ends. Then the error is an *Error with ErrNotDelivered
// that tells how many entries are pending; they stay where they are, and sending goes
// on. Entries that a server refused for good do not make it fail: see Stats.Dead. An
// *Error with ErrDropped tells of entries that were given up and that no earlier Sync
// or Flush told of.
func (l *Logger) Flush(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.covered(ctx, ErrNotDelivered, "flush", (*delivery.Destination).Flush)
}

// covered waits for wait in all destinations, behind every earlier call.
func (l *Logger) covered(ctx context.Context, reason error, what string, wait func(*delivery.Destination, context.Context) error) error {
	ctx = orBackground(ctx)
	if err := l.actors.Dispatched(ctx); err != nil {
		return l.unfinished(reason, what+" ended while entries were on their way from the calls to the spool", err)
	}
	if err := l.each(func(d *destination) error { return wait(d.sink, ctx) }); err != nil {
		return l.unfinished(reason, what+" ended before it was done", err)
	}
	return l.dropped(what)
}

// unfinished says why a wait ended too early, and where the entries are.
func (l *Logger) unfinished(reason error, detail string, err error) error {
	entries, kept, text := l.remains(false)
	if text != "" {
		detail += ": " + text
	}
	return &Error{Reason: reason, Entries: entries, Kept: kept, Detail: detail, Err: errors.Join(l.primary().sink.Health().Err, err)}
}

// dropped returns an error about the entries that were dropped since it was last called,
// nil if there are none.
func (l *Logger) dropped(what string) error {
	if n := l.unreported(); n > 0 {
		return &Error{Reason: ErrDropped, Entries: int(n), Detail: what + " found them missing; see Stats.DroppedBy"}
	}
	return nil
}

func (d *destination) health() SinkHealth {
	h := d.sink.Health()
	account := d.sink.Counters()
	s := SinkHealth{ID: d.cfg.ID, Delivery: h.Err, Spool: cmp.Or(h.Spool, d.lost), Full: h.Full, Stalled: h.Stalled, Pending: account.Pending()}
	s.OK = s.Delivery == nil && s.Spool == nil && !s.Full && s.Stalled == ""
	return s
}
