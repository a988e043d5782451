package logger

import (
	"cmp"
	"log/slog"
	"net/http"
	"runtime"
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
	// EnvAllowInsecure sets Config.AllowInsecure where it is 1 or true.
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
	DefaultOrphanAfter   = time.Hour
	DefaultSyncEvery     = 100 * time.Millisecond
	DefaultMaxSpoolBytes = 2 << 30
	DefaultMaxSpoolAge   = 72 * time.Hour
)

// Limits that are not configurable.
const (
	// MaxEntryBytes is the largest line of one entry, in bytes. Values that do not fit are
	// cut, see docs/policies.md.
	MaxEntryBytes = protocol.MaxLine
	// MaxBatchEntries and MaxBatchBytes cut the batches that are sent.
	MaxBatchEntries = 2000
	MaxBatchBytes   = 4 << 20
	// MaxInFlight is the largest Config.InFlight.
	MaxInFlight = 16
	// MaxAttachmentBytes is the largest content of an attachment, in bytes.
	MaxAttachmentBytes = protocol.MaxUpload
)

// maxAttachmentLine is the largest line of an attachment, in bytes: its record in the
// spool is larger than the line.
const maxAttachmentLine = MaxEntryBytes / 4

// spoolKeyBytes is the length of a key of AES-256.
const spoolKeyBytes = 32

// lingerAfterEnd is how long an ended trace remembers its state, to tell a late
// write from one to an entity of another process.
const lingerAfterEnd = 10 * time.Second

// Config configures New. The zero value of each field is its default; New copies
// the value and never writes to it. A field that would have no effect, because another
// one rules it out, is refused with a *ConfigError.
type Config struct {
	// ID is the log repository to write to. Required; empty means $MAXIM_LOG_REPO_ID.
	ID string
	// APIKey authenticates. Empty means $MAXIM_API_KEY. It may stay empty for a BaseURL
	// on a loopback address: an own collector needs none.
	APIKey string
	// BaseURL is the server: scheme, host and port, and the path below which a proxy has it.
	// Empty means $MAXIM_BASE_URL, then DefaultBaseURL. Plain http is accepted for loopback
	// addresses only, and for others with AllowInsecure.
	BaseURL string
	// AllowInsecure accepts a BaseURL of plain http on another machine, for a collector in
	// a network of your own: everybody on the way can read the API key and all that is
	// logged, and change it. $TROUPE_ALLOW_INSECURE=1 does the same. Default false.
	AllowInsecure bool

	// ManualFlush stops sending by time: entries leave when a batch is full and on
	// Flush and Close.
	ManualFlush bool
	// FlushInterval is the age at which an entry is sent, together with everything that is
	// waiting by then. Default: DefaultLocalFlushInterval (1 s) if BaseURL is localhost or a
	// loopback address, so that a local collector shows what happens, and
	// DefaultFlushInterval (10 s) otherwise. Negative is refused.
	FlushInterval time.Duration

	// InFlight is how many batches may be on their way to the server at once: for servers
	// that are far away, where one batch after the other would wait for every answer. The
	// lines of a session, or of a trace outside of sessions, arrive in their order all the
	// same: Troupe's collector is told their numbers, and to servers that are known to be
	// another, all lines of one of them go in one of the batches. To a collector whose
	// answers lack the header X-Troupe-Order, because a proxy removes it, one batch goes
	// after the other. Each takes up to MaxBatchBytes of memory twice.
	// After a crash of this process the batches that were under way are sent again.
	// Default 1, at most MaxInFlight.
	InFlight int

	// SpoolDir is the folder in which entries wait on disk for the server, across
	// crashes and restarts; other processes, loggers and sinks may share it. It is made
	// with mode 0700 and must be this user's own. Default: troupe in os.UserCacheDir.
	SpoolDir string
	// Durability says when an entry is safe; see its values. Default SyncGroup.
	Durability Durability
	// SyncEvery is how often SyncInterval syncs; it is refused with any other Durability.
	// Default DefaultSyncEvery.
	SyncEvery time.Duration
	// RequireDurable makes New fail with ErrSpool if the spool cannot be opened. Without
	// it entries are kept in memory then, and Health and OnError tell.
	RequireDurable bool
	// SpoolKey encrypts what is on disk with AES-256-GCM: 32 bytes, or none for plain
	// files. What was written with another key is set aside, not deleted.
	SpoolKey []byte
	// MaxSpoolBytes bounds the entries on disk, in bytes. Default DefaultMaxSpoolBytes,
	// or a tenth of the free disk space where that is less.
	MaxSpoolBytes int64
	// MaxSpoolAge is how long an entry waits on disk before it is dropped, counted as
	// too old. Only time that is known to have passed counts: while a process had the spool
	// open and, on Linux, between processes as long as the machine was not started anew.
	// However the clock is set, no entry gets older by it. Default DefaultMaxSpoolAge.
	MaxSpoolAge time.Duration
	// OnFull says what becomes of entries when there is no room, on disk or in memory.
	// Default Block.
	OnFull OnFull

	// MaxBytes bounds the memory of entries that are accepted and not on disk yet, or,
	// where there is no disk, not delivered yet, in bytes. Beside them, up to 2 MiB that
	// are on disk already are kept for the sender. Default DefaultMaxBytes.
	MaxBytes int64
	// MaxWait is how long a call waits for room under MaxBytes before its entry is
	// rejected, and with SyncEach for its entry to be safe. Default DefaultMaxWait;
	// negative means not at all, which contradicts SyncEach. With DropNewest no call waits,
	// and a MaxWait above 0 is refused unless Durability is SyncEach. When calls have waited for room for 5 seconds, or MaxWait
	// if that is longer, and none came free in that time, nothing moves at all: then the
	// calls that follow are rejected at once, until room comes free again.
	MaxWait time.Duration

	// IdleAfter is how long a session without calls and without open traces stays in
	// memory; after that a record of about 400 bytes is kept until the session is ended
	// or handed over, and the next call brings it back.
	// Default DefaultIdleAfter.
	IdleAfter time.Duration
	// OrphanAfter is how long a trace without calls may stay open before the entities
	// that this process created in it are ended, with the metadata ended_by=idle.
	// Default DefaultOrphanAfter.
	OrphanAfter time.Duration
	// KeepOrphans turns the ending of forgotten entities off, on Close too. It contradicts
	// an OrphanAfter.
	KeepOrphans bool

	// Mask is called with every text of an entry before the entry leaves the caller's
	// goroutine: names, inputs, outputs, messages, tags, and each text inside JSON
	// values. What it returns is logged in the text's place. Ids, keys of objects,
	// numbers, times, types of attachments and their contents are not masked. Where it panics, the call
	// is rejected with ErrMask. It is called concurrently. Default: nothing is masked.
	// Package mask has some.
	Mask func(text string) string
	// OmitContent logs what happened, and not what was said: in the place of inputs,
	// outputs, messages, arguments and results of tools, documents, variables of
	// evaluations, and comments of feedback stands [omitted], and nothing is attached.
	// Names, models, parameters, token counts, times, errors, tags, metadata and events
	// stay.
	OmitContent bool

	// Prices, if set, says what each model call cost whose answer tells the tokens that it
	// used: the cost is logged before the answer, for servers that know no prices, and
	// for Tail. Use pricing.Default, alone or With prices of your own. A model that has no
	// price there gets no cost, and one that AddCost gave before the answer stays. Default: none; Troupe's
	// collector knows prices itself.
	Prices Prices

	// Sample is the part of sessions, and of traces outside of sessions, that are logged,
	// above 0 and up to 1. A session is logged whole or not at all, whatever processes and
	// loggers log to it: its id decides. Where another process works in a trace of a
	// session, it must know the session: Inject and Extract tell it; a call by the trace's
	// id alone decides by that. What is left out is in Stats.SampledOut. Default 1.
	Sample float64
	// Tail, if set, logs those traces only that turn out to be worth it.
	Tail *TailSampling

	// OnError is told of rejected and doubtful calls and of background failures, as an
	// *Error. It runs on one goroutine of the logger, not on the caller's (only what
	// happens after Close is told on the caller's); a panic in it is caught and
	// counted. It must not call Flush or Close, nor log to this logger.
	// Default: they go to Slog at warn level, at most one per reason and minute.
	OnError func(error)
	// RaiseExceptions makes a rejected or misused call panic with its *Error on the
	// caller's goroutine: for tests. Background failures still go to OnError.
	RaiseExceptions bool
	// Debug logs every accepted line through Slog at debug level, with the API key
	// redacted. Up to 1,024 lines, or 1 MiB, wait for the handler; what it does not keep up
	// with is left out and counted in Stats.Unreported, and the next record says how many. The
	// handler of Slog must be enabled for debug level; the one of slog.Default is not at first.
	Debug bool
	// Slog receives the logger's own messages. Its handler runs on a goroutine of the logger
	// (only after Close on the caller's), one record at a time: no call, Flush or Close waits
	// for it, but Close for 100 ms. It must not log to this logger. Default slog.Default().
	Slog *slog.Logger

	// Transport is the HTTP transport, for proxies, private authorities and tests. It
	// must close every request's body, as http.RoundTripper demands: the sender waits
	// for that.
	// Contents of attachments go through it where the server takes them itself, and not
	// where it names another host for them. Default: one of the logger's own with timeouts
	// at every step, which trusts the authorities of the system, on Linux those in the file
	// $SSL_CERT_FILE.
	Transport http.RoundTripper
}

// Durability says when an accepted entry is safe, and with that, what Sync waits for.
type Durability uint8

// The durabilities. All but Memory write entries to disk within milliseconds.
const (
	// SyncGroup writes and syncs entries to disk in groups, some milliseconds after the
	// call: when the process is killed or the power fails, what was accepted in the last
	// 20 ms can be lost, on a disk that is busy in the time of two syncs as well.
	SyncGroup Durability = iota
	// SyncEach makes every call wait until its entry is synced to disk, for at most
	// MaxWait.
	SyncEach
	// SyncInterval writes entries as SyncGroup does, and syncs every SyncEvery: that much
	// can be lost when the power fails.
	SyncInterval
	// SyncNone leaves syncing to the operating system: when the power fails, tens of
	// seconds can be lost.
	SyncNone
	// Memory keeps entries in memory only, for hosts without a disk: what is not
	// delivered when the process ends is lost. Close counts it as dropped. The fields about
	// the disk, from SpoolDir to MaxSpoolAge, must be empty.
	Memory
)

// OnFull says what becomes of entries when there is no room for more.
type OnFull uint8

// The choices.
const (
	// Block makes calls wait for room, for at most MaxWait, and then rejects the entry
	// with ErrBackpressure or ErrSpoolFull.
	Block OnFull = iota
	// DropNewest rejects the entry at once.
	DropNewest
	// DropOldest makes room by dropping the oldest entries, counted in Stats.
	DropOldest
)

// withDefaults returns c with the environment and the defaults filled in.
func (c Config) withDefaults(getenv func(string) string) Config {
	c.ID = cmp.Or(c.ID, getenv(EnvRepoID))
	c.APIKey = cmp.Or(c.APIKey, getenv(EnvAPIKey))
	c.BaseURL = cmp.Or(c.BaseURL, getenv(EnvBaseURL), DefaultBaseURL)
	if insecure, err := strconv.ParseBool(getenv(EnvAllowInsecure)); err == nil {
		c.AllowInsecure = c.AllowInsecure || insecure
	}
	if c.FlushInterval == 0 {
		c.FlushInterval = DefaultFlushInterval
		if transport.Local(c.BaseURL) {
			c.FlushInterval = DefaultLocalFlushInterval
		}
	}
	c.MaxBytes = cmp.Or(c.MaxBytes, DefaultMaxBytes)
	c.MaxWait = cmp.Or(c.MaxWait, DefaultMaxWait)
	c.IdleAfter = cmp.Or(c.IdleAfter, DefaultIdleAfter)
	c.OrphanAfter = cmp.Or(c.OrphanAfter, DefaultOrphanAfter)
	c.Sample = cmp.Or(c.Sample, 1)
	if c.Tail != nil {
		tail := c.Tail.withDefaults(c.MaxBytes)
		c.Tail = &tail
	}
	c.SyncEvery = cmp.Or(c.SyncEvery, DefaultSyncEvery)
	c.MaxSpoolAge = cmp.Or(c.MaxSpoolAge, DefaultMaxSpoolAge)
	if c.Slog == nil {
		c.Slog = slog.Default()
	}
	return c
}

// effective checks that each field that was given has an effect beside the others. It
// looks at the Config as the caller wrote it, before withDefaults.
func (c Config) effective() error {
	const disk = "has no effect with Durability: Memory, which uses no disk: leave one of them out"
	memory := c.Durability == Memory
	return refused([]check{
		{"FlushInterval", "has no effect with ManualFlush: leave one of them out", c.ManualFlush && c.FlushInterval > 0},
		{"SpoolDir", disk, memory && c.SpoolDir != ""},
		{"SpoolKey", disk, memory && len(c.SpoolKey) > 0},
		{"MaxSpoolBytes", disk, memory && c.MaxSpoolBytes > 0},
		{"MaxSpoolAge", disk, memory && c.MaxSpoolAge > 0},
		{"RequireDurable", disk, memory && c.RequireDurable},
		{"SyncEvery", "has an effect with Durability: SyncInterval only", c.Durability != SyncInterval && c.SyncEvery > 0},
		{"MaxWait", "is negative, so that no call could wait for its entry as Durability: SyncEach demands", c.Durability == SyncEach && c.MaxWait < 0},
		{"MaxWait", "has no effect with OnFull: DropNewest, where no call waits", c.OnFull == DropNewest && c.Durability != SyncEach && c.MaxWait > 0},
		{"OrphanAfter", "has no effect with KeepOrphans: leave one of them out", c.KeepOrphans && c.OrphanAfter > 0},
	})
}

// forSink checks that c has none of the fields that belong to New alone. AddSink would
// ignore them, and with Mask or OmitContent the caller would believe in a privacy that
// is not there.
func (c Config) forSink() error {
	const general = "belongs to New alone, where it holds for all destinations: leave it out of AddSink"
	return refused([]check{
		{"Durability", "is SyncEach, but no call waits for a sink: use SyncGroup, and Logger.Sync to wait", c.Durability == SyncEach},
		{"MaxWait", general, c.MaxWait != 0},
		{"IdleAfter", general, c.IdleAfter != 0},
		{"OrphanAfter", general, c.OrphanAfter != 0},
		{"KeepOrphans", general, c.KeepOrphans},
		{"Mask", general, c.Mask != nil},
		{"OmitContent", general, c.OmitContent},
		{"Prices", general, c.Prices != nil},
		{"Sample", general, c.Sample != 0},
		{"Tail", general, c.Tail != nil},
		{"OnError", general, c.OnError != nil},
		{"RaiseExceptions", general, c.RaiseExceptions},
		{"Debug", general, c.Debug},
		{"Slog", general, c.Slog != nil},
	})
}

// check is one rule for a field of Config.
type check struct {
	field, reason string
	bad           bool
}

// refused returns a *ConfigError for the first bad one, nil if all are good.
func refused(checks []check) error {
	for _, c := range checks {
		if c.bad {
			return &ConfigError{Field: c.field, Reason: c.reason}
		}
	}
	return nil
}

// validate checks what withDefaults returned; the transport checks BaseURL and APIKey.
func (c Config) validate() error {
	err := refused([]check{
		{"ID", "is empty: set it, or " + EnvRepoID + ", to the log repository", c.ID == ""},
		{"FlushInterval", "is negative: use ManualFlush to turn sending by time off", c.FlushInterval < 0},
		{"InFlight", "must be from 1 to 16, or 0 for 1", c.InFlight < 0 || c.InFlight > MaxInFlight},
		{"MaxBytes", "is negative", c.MaxBytes < 0},
		{"IdleAfter", "is negative", c.IdleAfter < 0},
		{"OrphanAfter", "is negative: use KeepOrphans to turn it off", c.OrphanAfter < 0},
		{"Durability", "is none of SyncGroup, SyncEach, SyncInterval, SyncNone and Memory", c.Durability > Memory},
		{"OnFull", "is none of Block, DropNewest and DropOldest", c.OnFull > DropOldest},
		{"Sample", "must be above 0 and at most 1", !(c.Sample > 0 && c.Sample <= 1)},
		{"SyncEvery", "is negative", c.SyncEvery < 0},
		{"MaxSpoolBytes", "is negative", c.MaxSpoolBytes < 0},
		{"MaxSpoolAge", "is negative", c.MaxSpoolAge < 0},
		{"SpoolKey", "must have 32 bytes, or none", len(c.SpoolKey) != 0 && len(c.SpoolKey) != spoolKeyBytes},
	})
	if err == nil && c.Tail != nil {
		err = c.Tail.validate(c)
	}
	return err
}

func workers() int { return 2 * runtime.GOMAXPROCS(0) }
