package logger

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// Destination is another place that entries go to, see Logger.AddDestination. Its fields
// mean the same as the fields of Config with the same name. Nothing is taken from the
// environment, which configures the primary destination only.
//
// There is no Mask, OmitContent, Sample or Tail: the fields of Config apply to every
// destination.
type Destination struct {
	// ID is the log repository to write to. Required.
	ID string
	// APIKey authenticates. May be empty for a loopback BaseURL.
	APIKey string
	// BaseURL is the server. Default: DefaultBaseURL.
	BaseURL string
	// AllowInsecure accepts a BaseURL of plain http on another machine.
	AllowInsecure bool
	// Transport is the HTTP transport. Default: a dedicated one.
	Transport http.RoundTripper
	// Backend, if set, receives the entries in place of a server that is reached over HTTP;
	// APIKey, BaseURL, AllowInsecure and Transport must be empty then. The ID alone names the
	// destination, and with it its part of the spool. The logger never closes the Backend:
	// do so after Close. Config has no such field.
	Backend transport.Backend

	// ManualFlush stops sending by time.
	ManualFlush bool
	// FlushInterval is the age at which an entry is sent. Default: DefaultLocalFlushInterval
	// for a loopback BaseURL or a Backend, else DefaultFlushInterval.
	FlushInterval time.Duration
	// InFlight limits how many batches are on their way at once. Default 1, at most
	// MaxInFlight.
	InFlight int

	// SpoolDir is the folder in which entries wait on disk; the primary destination
	// may use the same. Default: troupe in os.UserCacheDir.
	SpoolDir string
	// Durability says when an entry is safe. Default SyncGroup. SyncEach is refused, because
	// no call waits for a destination that was added: use Logger.Sync.
	Durability Durability
	// SyncEvery is the interval of SyncInterval. Default DefaultSyncEvery.
	SyncEvery time.Duration
	// RequireDurable makes AddDestination fail if the spool cannot be opened.
	RequireDurable bool
	// SpoolKey encrypts entries on disk: 32 bytes, or none for plain files.
	SpoolKey []byte
	// MaxSpoolBytes limits the entries on disk, in bytes. Default: DefaultMaxSpoolBytes, or a
	// tenth of the free disk space if that is less.
	MaxSpoolBytes int64
	// MaxSpoolAge limits how long an entry waits on disk. Default DefaultMaxSpoolAge.
	MaxSpoolAge time.Duration
	// OnFull says which entries are dropped when there is no room. Default FullBlock, which
	// here drops the newest: a call never waits for a destination that was added.
	OnFull FullPolicy
	// MaxBytes limits the memory of entries that are not on disk yet, in bytes. Default
	// DefaultMaxBytes.
	MaxBytes int64
}

// AddDestination adds a destination: from now on every entry goes there too. It has its own
// spool and sender, so that a slow or dead server delays nobody: a call never waits for it,
// and entries for which it has no room are dropped and counted, whatever OnFull says. Flush,
// Sync and Close cover it. A logger has at most 64 destinations, the primary included.
//
// It fails with a *ConfigError if d cannot be used or is a destination of the logger
// already, with an *Error with ErrClosed after Close and, with RequireDurable, with an
// *Error with ErrSpool if the spool cannot be opened.
func (l *Logger) AddDestination(d Destination) error {
	if l == nil {
		return nil
	}
	if err := cmp.Or(d.effective(), d.forAdding()); err != nil {
		return ofDestination(err)
	}
	d = d.withDefaults()
	if err := d.validate(); err != nil {
		return ofDestination(err)
	}
	if d.Backend != nil {
		return ofDestination(l.addDestination(d, d.Backend, func() {}))
	}
	client, err := dial(d)
	if err != nil {
		return ofDestination(err)
	}
	return ofDestination(l.addDestination(d, client, client.Close))
}

// ofDestination makes a *ConfigError name the field of a Destination.
func ofDestination(err error) error {
	if bad, ok := errors.AsType[*ConfigError](err); ok {
		bad.of = "Destination"
	}
	return err
}

// addDestination opens a destination over any backend. release frees it; it is
// called if the destination cannot be added.
func (p *pipeline) addDestination(c Destination, backend transport.Backend, release func()) error {
	p.destinations.growing.Lock()
	defer p.destinations.growing.Unlock()
	if err := p.addable(c); err != nil {
		release()
		return err
	}
	d, err := p.open(c, backend, c.MaxBytes, nil)
	if err != nil {
		release()
		return err
	}
	d.release = release
	p.destinations.add(d)
	return nil
}

// addable returns an error if the logger cannot have the destination.
func (p *pipeline) addable(c Destination) error {
	if p.closed.Load() {
		return &Error{Reason: ErrClosed, Detail: "the destination was added after Close"}
	}
	all := p.destinations.list()
	if len(all) == maxDestinations {
		most := strconv.Itoa(maxDestinations)
		return &ConfigError{Field: "ID", Reason: "is one destination too many: a logger has at most " + most}
	}
	for _, d := range all {
		if spool.Target(d.cfg.BaseURL, d.cfg.ID) == spool.Target(c.BaseURL, c.ID) {
			return &ConfigError{Field: "ID", Reason: "names a destination that this logger has already"}
		}
	}
	return nil
}

// maxDestinations limits the destinations of a logger, the primary included: entries mark
// the destinations that have the content of an attachment in the bits of a uint64.
const maxDestinations = 64

// destinations are the places that entries go to. The zero value is ready for the first.
type destinations struct {
	all     atomic.Pointer[[]*destination] // the primary first; never shrinks
	growing sync.Mutex                     // held while all grows, and while Close begins

	reportedDrops atomic.Int64 // dropped entries that Sync, Flush and Close have reported
}

// list returns all destinations. Callers must not change it.
func (s *destinations) list() []*destination {
	if all := s.all.Load(); all != nil {
		return *all
	}
	return nil
}

// primary returns the destination that New was given.
func (s *destinations) primary() *destination { return s.list()[0] }

// add adds a destination. Callers must hold growing, except for the first.
func (s *destinations) add(d *destination) {
	grown := append(slices.Clone(s.list()), d)
	s.all.Store(&grown)
}

// freeze sets closed, after which no destination is added. It reports true to the first
// caller only.
func (s *destinations) freeze(closed *atomic.Bool) bool {
	s.growing.Lock()
	defer s.growing.Unlock()
	return closed.CompareAndSwap(false, true)
}

// put appends entries to all destinations.
func (s *destinations) put(entries []messages.Entry) {
	for i, d := range s.list() {
		d.sink.Append(stored(entries, i))
	}
}

// forget removes a content whose line was not accepted.
func (s *destinations) forget(blob string) {
	for _, d := range s.list() {
		_ = d.spool.RemoveBlob(blob) // one that stays is removed when its spool is opened again
	}
}

// each calls f for all destinations at once and joins their errors.
func (s *destinations) each(f func(*destination) error) error {
	all := s.list()
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
