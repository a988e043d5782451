package logger

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
	"github.com/troupelog/troupe/transport"
)

// destination is one place that entries go to: the primary, or one that AddDestination
// added. All fields are immutable after open, but release, which is set once more by the
// function that called it.
type destination struct {
	cfg     Destination
	added   bool // by AddDestination
	sink    *delivery.Destination
	spool   *spool.Spool
	lost    error  // the spool could not be opened, so that entries are in memory
	dir     string // the folder of the spool, "" with MemoryOnly
	release func() // ends its connections
}

// dial returns the HTTP client of a destination. It makes no request. Errors are
// *ConfigErrors that name the field as users know it.
func dial(c Destination) (*transport.HTTP, error) {
	h, err := transport.New(transport.Config{
		BaseURL: c.BaseURL, RepositoryID: c.ID, APIKey: c.APIKey, AllowInsecure: c.AllowInsecure,
		RoundTripper: c.Transport, InFlight: c.InFlight,
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

// open opens the spool of a destination and starts to deliver from it. memory limits the
// bytes that are not yet on disk; 0 means that the limit of the ledger applies. ledger is
// nil for added destinations. If the disk cannot be used, entries are kept in memory, unless
// RequireDurable makes that an error.
func (p *pipeline) open(
	c Destination, backend transport.Backend, memory int64, ledger *ledger.Ledger,
) (*destination, error) {
	d := &destination{cfg: c, added: ledger == nil, release: func() {}}
	sc := c.spoolConfig(memory)
	sc.Report = func(e spool.Event) { p.spoolEvent(d, e) }
	var charge func(int64)
	if ledger != nil {
		sc.Log.Release, charge = ledger.Release, ledger.Charge
	}
	if err := d.openSpool(sc); err != nil {
		return nil, err
	}
	if d.lost != nil {
		p.report.tell(&Error{Reason: ErrSpool, Kept: true, Err: d.lost,
			Detail: "entries are kept in memory; see Config.SpoolDir"})
	}
	age := c.FlushInterval
	if c.ManualFlush {
		age = -1
	}
	d.sink = delivery.Start(delivery.Config{
		Repository: c.ID, Spool: d.spool, Backend: backend,
		BatchEntries: min(MaxBatchEntries, int(max(1, c.MaxBytes/batchesInMemory/smallEntry))),
		BatchBytes:   min(MaxBatchBytes, int(max(1, c.MaxBytes/batchesInMemory))),
		InFlight:     c.InFlight, Age: age, Charge: charge, Report: func(e delivery.Event) { p.deliveryEvent(d, e) },
	})
	return d, nil
}

// Batches are limited to a part of MaxBytes, because without a disk their entries occupy
// memory until they are delivered.
const (
	batchesInMemory = 4
	smallEntry      = 512 // bytes, overhead included
)

// spoolConfig returns the configuration of the destination's spool, but for its functions.
func (d Destination) spoolConfig(memory int64) spool.Config {
	sc := spool.Config{
		Target: spool.Target(d.BaseURL, d.ID),
		Log: seglog.Config{
			Every: d.SyncEvery, MaxBytes: d.MaxSpoolBytes, MaxAge: d.MaxSpoolAge,
			DropOldest: d.OnFull == FullDropOldest, MemoryBytes: memory,
		},
	}
	switch d.Durability {
	case SyncInterval:
		sc.Log.Policy = seglog.Interval
	case SyncNone:
		sc.Log.Policy = seglog.None
	}
	return sc
}

// openSpool opens the spool of the destination, in memory if the user wants no disk or the disk
// fails. A failure is kept in d.lost, and returned only with RequireDurable.
func (d *destination) openSpool(sc spool.Config) error {
	if sc.Dir, d.lost = spoolDir(d.cfg); d.lost == nil {
		d.dir = sc.Dir
		d.spool, d.lost = spoolOnDisk(d.cfg, sc)
	}
	if d.lost != nil && d.cfg.RequireDurable {
		return &Error{Reason: ErrSpool, Detail: "RequireDurable is set", Err: d.lost}
	}
	if d.spool == nil {
		d.spool = spool.Memory(sc)
	}
	return nil
}

// spoolDir returns the folder of the spool, "" with MemoryOnly.
func spoolDir(c Destination) (string, error) {
	if c.Durability == MemoryOnly || c.SpoolDir != "" {
		return c.SpoolDir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no default for SpoolDir, set it: %w", err)
	}
	return filepath.Join(cache, "troupe"), nil
}

// spoolOnDisk opens the spool on disk. With MemoryOnly it returns nil.
func spoolOnDisk(c Destination, sc spool.Config) (*spool.Spool, error) {
	if c.Durability == MemoryOnly {
		return nil, nil
	}
	if sc.Log.MaxBytes == 0 {
		sc.Log.MaxBytes = defaultSpoolBytes(sc.Dir)
	}
	if len(c.SpoolKey) > 0 {
		block, err := aes.NewCipher(c.SpoolKey)
		if err != nil {
			return nil, err
		}
		if sc.Log.AEAD, err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
	}
	return spool.Open(sc)
}

// defaultSpoolBytes returns DefaultMaxSpoolBytes, or a tenth of the free disk space if that is
// less: a logger must not fill the disk of its program.
func defaultSpoolBytes(dir string) int64 {
	folder, err := vfs.OS(dir)
	if err != nil {
		return DefaultMaxSpoolBytes // spool.Open will report the error
	}
	free, err := folder.Free()
	if err := errors.Join(err, folder.Close()); err != nil {
		return DefaultMaxSpoolBytes
	}
	return min(DefaultMaxSpoolBytes, max(free/10, leastSpoolBytes))
}

// leastSpoolBytes is the least default of MaxSpoolBytes: four segments.
const leastSpoolBytes = 64 << 20
