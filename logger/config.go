package logger

import (
	"cmp"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/transport"
)

// Environment variables that fill empty fields of a Config.
const (
	EnvAPIKey  = "MAXIM_API_KEY"
	EnvRepoID  = "MAXIM_LOG_REPO_ID"
	EnvBaseURL = "MAXIM_BASE_URL"
	// EnvAllowInsecure sets Config.AllowInsecure if it is 1 or true.
	EnvAllowInsecure = "TROUPE_ALLOW_INSECURE"
)

// Defaults of Config.
const (
	DefaultBaseURL       = "https://app.getmaxim.ai"
	DefaultFlushInterval = 10 * time.Second
	// DefaultLocalFlushInterval is the default of FlushInterval for a loopback BaseURL.
	DefaultLocalFlushInterval = time.Second

	DefaultMaxBytes      = 32 << 20
	DefaultMaxWait       = time.Second
	DefaultIdleAfter     = 5 * time.Minute
	DefaultAutoEndAfter  = time.Hour
	DefaultSyncEvery     = 100 * time.Millisecond
	DefaultMaxSpoolBytes = 2 << 30
	DefaultMaxSpoolAge   = 72 * time.Hour
)

// Limits that are not configurable.
const (
	// MaxEntryBytes limits the line of one entry, in bytes. Values that do not fit are cut,
	// see docs/privacy.md.
	MaxEntryBytes = protocol.MaxLine
	// MaxBatchEntries and MaxBatchBytes limit the batches that are sent.
	MaxBatchEntries = 2000
	MaxBatchBytes   = 4 << 20
	// MaxInFlight limits Config.InFlight.
	MaxInFlight = 16
	// MaxAttachmentBytes limits the content of an attachment, in bytes.
	MaxAttachmentBytes = protocol.MaxUpload
)

// maxAttachmentLine limits the line of an attachment, in bytes: its record in the spool is
// larger than the line.
const maxAttachmentLine = MaxEntryBytes / 4

// spoolKeyBytes is the length of a key of AES-256.
const spoolKeyBytes = 32

// Config configures a Logger. The zero value of each field means its default. New copies
// the Config and never writes to it. A field that another one makes ineffective is refused
// with a *ConfigError.
type Config struct {
	// ID is the log repository to write to. Required. Empty means $MAXIM_LOG_REPO_ID.
	ID string
	// APIKey authenticates. Empty means $MAXIM_API_KEY. May be empty for a loopback BaseURL:
	// a local collector needs no key.
	APIKey string
	// BaseURL is the server: scheme, host and port, and the path under which a proxy serves
	// it. Empty means $MAXIM_BASE_URL, then DefaultBaseURL. Plain http is accepted for
	// loopback addresses only, and for others with AllowInsecure.
	BaseURL string
	// AllowInsecure accepts a BaseURL of plain http on another machine, for a collector in a
	// private network: everybody on the way can read and change the API key and everything
	// that is logged. $TROUPE_ALLOW_INSECURE=1 does the same. Default false.
	AllowInsecure bool

	// ManualFlush stops sending by time: entries are sent when a batch is full, and on Flush
	// and Close.
	ManualFlush bool
	// FlushInterval is the age at which an entry is sent, together with everything that is
	// waiting by then. Default: DefaultLocalFlushInterval (1 s) if BaseURL is localhost or a
	// loopback address, so that a local collector shows entries soon, and
	// DefaultFlushInterval (10 s) otherwise. Negative is refused.
	FlushInterval time.Duration

	// InFlight limits how many batches are on their way to the server at once. Raise it for
	// servers that are far away, where sending one batch after the other would wait for every
	// answer. Each batch takes up to twice MaxBatchBytes of memory.
	//
	// The lines of a session, or of a trace outside sessions, arrive in order whatever the
	// limit: Troupe's collector orders them by number, and to other servers all lines of a
	// session go in one of the batches. To a collector whose answers lack the header
	// X-Troupe-Order, because a proxy removes it, batches are sent one after the other. After
	// a crash of this process, the batches that were on their way are sent again.
	//
	// Default 1, at most MaxInFlight.
	InFlight int

	// SpoolDir is the folder in which entries wait on disk for the server, across crashes and
	// restarts. Processes, loggers and destinations may share it. It is created with mode
	// 0700 and must belong to this user. Default: troupe in os.UserCacheDir.
	SpoolDir string
	// Durability says when an entry is safe; see its values. Default SyncGroup.
	Durability Durability
	// SyncEvery is the interval of SyncInterval; it is refused with any other Durability.
	// Default DefaultSyncEvery.
	SyncEvery time.Duration
	// RequireDurable makes New fail with ErrSpool if the spool cannot be opened. Otherwise
	// entries are kept in memory, and Health and OnError report it.
	RequireDurable bool
	// SpoolKey encrypts entries on disk with AES-256-GCM: 32 bytes, or none for plain files.
	// Files that were written with another key are set aside, not deleted.
	SpoolKey []byte
	// MaxSpoolBytes limits the entries on disk, in bytes. Default: DefaultMaxSpoolBytes, or a
	// tenth of the free disk space if that is less.
	MaxSpoolBytes int64
	// MaxSpoolAge limits how long an entry waits on disk; then it is dropped, counted as too
	// old. Only time that has passed for certain counts: while a process had the spool open
	// and, on Linux, between processes as long as the machine did not reboot. Setting the
	// clock makes no entry older. Default DefaultMaxSpoolAge.
	MaxSpoolAge time.Duration
	// OnFull says which entries are dropped when there is no room, on disk or in memory.
	// Default FullBlock.
	OnFull FullPolicy

	// MaxBytes limits the memory of accepted entries that are not on disk yet or, without a
	// disk, not delivered yet, in bytes. In addition, the sender keeps up to 2 MiB that are on
	// disk already. Default DefaultMaxBytes.
	MaxBytes int64
	// MaxWait limits how long a call waits for room under MaxBytes before its entry is
	// rejected and, with SyncEach, how long it waits for its entry to be safe. Negative means
	// not at all, which contradicts SyncEach. With FullDropNewest no call waits, and a MaxWait
	// above 0 is refused unless Durability is SyncEach. Default DefaultMaxWait.
	//
	// If calls have waited for 5 seconds, or MaxWait if that is longer, and no room has come
	// free in that time, everything is stuck: calls are then rejected at once until room comes
	// free again.
	MaxWait time.Duration

	// IdleAfter limits how long a session without calls and without open traces stays in memory.
	// After that, a record of about 400 bytes is kept until the session is ended or handed
	// over, and the next call brings it back. Default DefaultIdleAfter.
	IdleAfter time.Duration
	// AutoEndAfter limits how long a trace without calls stays open: then the entities that
	// this process began in it are ended, with the metadata ended_by=idle. Contradicts
	// DisableAutoEnd. Default DefaultAutoEndAfter.
	AutoEndAfter time.Duration
	// DisableAutoEnd never ends entities for their caller, not on Close either.
	DisableAutoEnd bool

	// Mask is called with every text of an entry before the entry leaves the caller's
	// goroutine: names, inputs, outputs, messages, tags, and each text inside JSON values. Its
	// result is logged instead. Ids, keys of objects, numbers, times, types of attachments and
	// their contents are not masked. If it panics, the call is rejected with ErrMask. It is
	// called concurrently. Package mask has ready-made ones. Default: nothing is masked.
	Mask func(text string) string
	// OmitContent logs the course of the work without its content: [omitted] replaces inputs,
	// outputs, messages, arguments and results of tools, documents, variables of evaluations
	// and comments of feedback, and nothing is attached. Names, models, parameters, token
	// counts, times, errors, tags, metadata and events stay.
	OmitContent bool

	// Prices, if set, computes the cost of each model call whose response says how many tokens
	// it used. The cost is logged before the response, for Tail and for servers that know no
	// prices. Use pricing.Default, alone or With prices of your own. A model without a price
	// gets no cost, and a cost that AddCost logged before the response stays. Default: none;
	// Troupe's collector knows prices itself.
	Prices Prices

	// Sample is the fraction of sessions, and of traces outside sessions, that are logged:
	// above 0, up to 1. A session is logged whole or not at all, whatever processes and
	// loggers log to it, because its id decides. A process that works in a trace of a session
	// must therefore know the session: Inject and Extract pass it on; for a call by the
	// trace's id alone, the trace's id decides. Dropped entries are counted in
	// Stats.SampledOut. Default 1.
	Sample float64
	// Tail, if set, logs only traces that turn out to be interesting.
	Tail *TailSampling

	// OnError is called with an *Error for each rejected or suspicious call and each background
	// failure. It runs on a goroutine of the logger, after Close on the caller's; a panic in it
	// is caught and counted. It must not call Flush or Close, nor log to this logger. Default:
	// errors go to Slog at warn level, at most one per reason and minute.
	OnError func(error)
	// PanicOnMisuse makes a rejected or misused call panic with its *Error on the caller's
	// goroutine: for tests. Background failures still go to OnError.
	PanicOnMisuse bool
	// Debug logs every accepted line through Slog at debug level, with the API key redacted. Up
	// to 1,024 lines, or 1 MiB, wait for the handler; lines that it does not keep up with are
	// skipped and counted in Stats.Unreported, and the next record says how many. The handler
	// of Slog must be enabled for debug level; the one of slog.Default is not at first.
	Debug bool
	// Slog receives the logger's messages. Its handler runs on a goroutine of the logger, after
	// Close on the caller's, one record at a time: no call, Flush or Close waits for it, except
	// Close for 100 ms. It must not log to this logger. Default slog.Default().
	Slog *slog.Logger

	// Transport is the HTTP transport, for proxies, private certificate authorities and tests.
	// It must close every request's body, as http.RoundTripper demands: the sender waits for
	// that. Contents of attachments go through it if the server takes them itself, but not if
	// the server names another host for them. Default: a dedicated transport with a timeout on
	// every step, which trusts the system's certificate authorities (on Linux those in
	// $SSL_CERT_FILE, if set).
	Transport http.RoundTripper
}

// Durability says when an accepted entry is safe; Sync waits for it.
type Durability uint8

// The durabilities. All but MemoryOnly write entries to disk within milliseconds.
const (
	// SyncGroup writes and syncs entries to disk in groups, some milliseconds after the call.
	// If the process is killed or the power fails, entries of the last 20 ms can be lost; on a
	// busy disk, entries of the time that two syncs take.
	SyncGroup Durability = iota
	// SyncEach makes every call wait until its entry is synced to disk, for at most MaxWait.
	SyncEach
	// SyncInterval writes entries as SyncGroup does, and syncs every SyncEvery: entries of that
	// time can be lost if the power fails.
	SyncInterval
	// SyncNone leaves syncing to the operating system: entries of tens of seconds can be lost
	// if the power fails.
	SyncNone
	// MemoryOnly keeps entries in memory, for hosts without a disk: entries that are not
	// delivered when the process ends are lost. Close counts them as dropped. The fields about
	// the disk, from SpoolDir to MaxSpoolAge, must be empty.
	MemoryOnly
)

// FullPolicy says which entries are dropped when there is no room for more.
type FullPolicy uint8

// The policies.
const (
	// FullBlock makes calls wait for room, for at most MaxWait, and then rejects the entry with
	// ErrBackpressure or ErrSpoolFull.
	FullBlock FullPolicy = iota
	// FullDropNewest rejects the entry at once.
	FullDropNewest
	// FullDropOldest makes room by dropping the oldest entries, counted in Stats.
	FullDropOldest
)

// destination returns the part of c that describes the primary destination.
func (c Config) destination() Destination {
	return Destination{
		ID: c.ID, APIKey: c.APIKey, BaseURL: c.BaseURL, AllowInsecure: c.AllowInsecure, Transport: c.Transport,
		ManualFlush: c.ManualFlush, FlushInterval: c.FlushInterval, InFlight: c.InFlight,
		SpoolDir: c.SpoolDir, Durability: c.Durability, SyncEvery: c.SyncEvery, RequireDurable: c.RequireDurable,
		SpoolKey: c.SpoolKey, MaxSpoolBytes: c.MaxSpoolBytes, MaxSpoolAge: c.MaxSpoolAge,
		OnFull: c.OnFull, MaxBytes: c.MaxBytes,
	}
}

// withDefaults returns c with the environment and the defaults filled in.
func (c Config) withDefaults(getenv func(string) string) Config {
	c.ID = cmp.Or(c.ID, getenv(EnvRepoID))
	c.APIKey = cmp.Or(c.APIKey, getenv(EnvAPIKey))
	c.BaseURL = cmp.Or(c.BaseURL, getenv(EnvBaseURL))
	if insecure, err := strconv.ParseBool(getenv(EnvAllowInsecure)); err == nil {
		c.AllowInsecure = c.AllowInsecure || insecure
	}
	d := c.destination().withDefaults()
	c.BaseURL, c.FlushInterval, c.MaxBytes = d.BaseURL, d.FlushInterval, d.MaxBytes
	c.SyncEvery, c.MaxSpoolAge = d.SyncEvery, d.MaxSpoolAge
	c.MaxWait = cmp.Or(c.MaxWait, DefaultMaxWait)
	c.IdleAfter = cmp.Or(c.IdleAfter, DefaultIdleAfter)
	c.AutoEndAfter = cmp.Or(c.AutoEndAfter, DefaultAutoEndAfter)
	c.Sample = cmp.Or(c.Sample, 1)
	if c.Tail != nil {
		tail := c.Tail.withDefaults(c.MaxBytes)
		c.Tail = &tail
	}
	if c.Slog == nil {
		c.Slog = slog.Default()
	}
	return c
}

// withDefaults returns d with the defaults filled in. MaxSpoolBytes stays 0: its default
// depends on the disk.
func (d Destination) withDefaults() Destination {
	if d.Backend == nil {
		d.BaseURL = cmp.Or(d.BaseURL, DefaultBaseURL)
	}
	if d.FlushInterval == 0 {
		d.FlushInterval = DefaultFlushInterval
		if d.Backend != nil || transport.Local(d.BaseURL) {
			d.FlushInterval = DefaultLocalFlushInterval
		}
	}
	d.SyncEvery = cmp.Or(d.SyncEvery, DefaultSyncEvery)
	d.MaxSpoolAge = cmp.Or(d.MaxSpoolAge, DefaultMaxSpoolAge)
	d.MaxBytes = cmp.Or(d.MaxBytes, DefaultMaxBytes)
	return d
}

// effective checks that no field of c is made ineffective by another one. Call it before
// withDefaults, on the Config that the caller wrote.
func (c Config) effective() error {
	noWait := c.Durability == SyncEach && c.MaxWait < 0
	waits := c.OnFull != FullDropNewest || c.Durability == SyncEach
	return cmp.Or(c.destination().effective(), refused([]check{
		{"MaxWait", "is negative, but Durability: SyncEach makes calls wait for their entries", noWait},
		{"MaxWait", "has no effect with OnFull: FullDropNewest, where no call waits", !waits && c.MaxWait > 0},
		{"AutoEndAfter", "has no effect with DisableAutoEnd: leave one of them out", c.DisableAutoEnd && c.AutoEndAfter > 0},
	}))
}

// effective is Config.effective for the fields of a destination.
func (d Destination) effective() error {
	const disk = "has no effect with Durability: MemoryOnly, which uses no disk: leave one of them out"
	memory := d.Durability == MemoryOnly
	return refused([]check{
		{"FlushInterval", "has no effect with ManualFlush: leave one of them out", d.ManualFlush && d.FlushInterval > 0},
		{"SpoolDir", disk, memory && d.SpoolDir != ""},
		{"SpoolKey", disk, memory && len(d.SpoolKey) > 0},
		{"MaxSpoolBytes", disk, memory && d.MaxSpoolBytes > 0},
		{"MaxSpoolAge", disk, memory && d.MaxSpoolAge > 0},
		{"RequireDurable", disk, memory && d.RequireDurable},
		{"SyncEvery", "has an effect with Durability: SyncInterval only", d.Durability != SyncInterval && d.SyncEvery > 0},
	})
}

// forAdding checks that d can be added to a running logger.
func (d Destination) forAdding() error {
	const (
		backend  = "has no effect with a Backend: leave one of them out"
		syncEach = "is SyncEach, but no call waits for an added destination: use SyncGroup, and Logger.Sync to wait"
	)
	return refused([]check{
		{"APIKey", backend, d.Backend != nil && d.APIKey != ""},
		{"BaseURL", backend, d.Backend != nil && d.BaseURL != ""},
		{"AllowInsecure", backend, d.Backend != nil && d.AllowInsecure},
		{"Transport", backend, d.Backend != nil && d.Transport != nil},
		{"Durability", syncEach, d.Durability == SyncEach},
	})
}

// check is one rule for a field of Config or Destination.
type check struct {
	field, reason string
	bad           bool
}

// refused returns a *ConfigError for the first rule that is broken, nil if there is none.
func refused(checks []check) error {
	for _, c := range checks {
		if c.bad {
			return &ConfigError{Field: c.field, Reason: c.reason}
		}
	}
	return nil
}

// validate checks c after withDefaults. The transport checks BaseURL and APIKey.
func (c Config) validate() error {
	err := cmp.Or(refused([]check{
		{"ID", "is empty: set it, or " + EnvRepoID + ", to the log repository", c.ID == ""},
	}), c.destination().validate(), refused([]check{
		{"IdleAfter", "is negative", c.IdleAfter < 0},
		{"AutoEndAfter", "is negative: use DisableAutoEnd to turn it off", c.AutoEndAfter < 0},
		{"Sample", "must be above 0 and at most 1", !(c.Sample > 0 && c.Sample <= 1)},
	}))
	if err == nil && c.Tail != nil {
		err = c.Tail.validate(c)
	}
	return err
}

// validate is Config.validate for the fields of a destination.
func (d Destination) validate() error {
	return refused([]check{
		{"ID", "is empty: set it to the log repository", d.ID == ""},
		{"FlushInterval", "is negative: use ManualFlush to turn sending by time off", d.FlushInterval < 0},
		{"InFlight", "must be from 1 to 16, or 0 for 1", d.InFlight < 0 || d.InFlight > MaxInFlight},
		{"MaxBytes", "is negative", d.MaxBytes < 0},
		{"Durability", "is none of SyncGroup, SyncEach, SyncInterval, SyncNone and MemoryOnly", d.Durability > MemoryOnly},
		{"OnFull", "is none of FullBlock, FullDropNewest and FullDropOldest", d.OnFull > FullDropOldest},
		{"SyncEvery", "is negative", d.SyncEvery < 0},
		{"MaxSpoolBytes", "is negative", d.MaxSpoolBytes < 0},
		{"MaxSpoolAge", "is negative", d.MaxSpoolAge < 0},
		{"SpoolKey", "must have 32 bytes, or none", len(d.SpoolKey) != 0 && len(d.SpoolKey) != spoolKeyBytes},
	})
}
