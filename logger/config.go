package logger

import (
	"cmp"
	"log/slog"
	"net/http"
	"runtime"
	"time"
)

// Environment variables that fill empty fields of a Config.
const (
	EnvAPIKey  = "MAXIM_API_KEY"
	EnvRepoID  = "MAXIM_LOG_REPO_ID"
	EnvBaseURL = "MAXIM_BASE_URL"
)

// Defaults of Config.
const (
	DefaultBaseURL       = "https://app.getmaxim.ai"
	DefaultFlushInterval = 10 * time.Second
	DefaultMaxBytes      = 32 << 20
	DefaultMaxWait       = time.Second
	DefaultIdleAfter     = 5 * time.Minute
	DefaultOrphanAfter   = time.Hour
)

// Limits that are not configurable.
const (
	// MaxEntryBytes is the largest line of one entry, in bytes.
	MaxEntryBytes = 8 << 20
	// MaxBatchEntries and MaxBatchBytes cut the batches that are sent.
	MaxBatchEntries = 2000
	MaxBatchBytes   = 4 << 20
)

// lingerAfterEnd is how long an ended trace remembers its state, to tell a late
// write from one to an entity of another process.
const lingerAfterEnd = 10 * time.Second

// Config configures New. The zero value of each field is its default; New copies
// the value and never writes to it.
type Config struct {
	// ID is the log repository to write to. Required; empty means $MAXIM_LOG_REPO_ID.
	ID string
	// APIKey authenticates. Empty means $MAXIM_API_KEY. It may stay empty for a BaseURL
	// on a loopback address: an own collector needs none.
	APIKey string
	// BaseURL is the server: scheme, host and port. Empty means $MAXIM_BASE_URL, then
	// DefaultBaseURL. Plain http is accepted for loopback addresses only.
	BaseURL string

	// ManualFlush stops sending by time: entries leave when a batch is full and on
	// Flush and Close.
	ManualFlush bool
	// FlushInterval is how old an entry becomes before it is sent with what is there.
	// Default DefaultFlushInterval; negative is refused.
	FlushInterval time.Duration

	// MaxBytes bounds the memory of entries that are accepted and not delivered yet,
	// in bytes. Default DefaultMaxBytes.
	MaxBytes int64
	// MaxWait is how long a call waits for room under MaxBytes before its entry is
	// rejected. Default DefaultMaxWait; negative means not at all. While the server
	// takes nothing, one call waits and the others are rejected at once.
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
	// KeepOrphans turns the ending of forgotten entities off, on Close too.
	KeepOrphans bool

	// OnError is told of rejected and doubtful calls and of background failures, as an
	// *Error. It runs on one goroutine of the logger, not on the caller's (only what
	// happens after Close is told on the caller's); a panic in it is caught and
	// counted. It must not call Flush or Close, nor log to this logger. Default: they go to Slog at warn level.
	OnError func(error)
	// RaiseExceptions makes a rejected or misused call panic with its *Error on the
	// caller's goroutine: for tests. Background failures still go to OnError.
	RaiseExceptions bool
	// Debug logs every line through Slog at debug level, with the API key redacted.
	Debug bool
	// Slog receives the logger's own messages. Default slog.Default().
	Slog *slog.Logger

	// Transport is the HTTP transport, for proxies, private authorities and tests. It
	// must close every request's body, as http.RoundTripper demands: the sender waits
	// for that.
	// Default: an own one with timeouts at every step.
	Transport http.RoundTripper
}

// withDefaults returns c with the environment and the defaults filled in.
func (c Config) withDefaults(getenv func(string) string) Config {
	c.ID = cmp.Or(c.ID, getenv(EnvRepoID))
	c.APIKey = cmp.Or(c.APIKey, getenv(EnvAPIKey))
	c.BaseURL = cmp.Or(c.BaseURL, getenv(EnvBaseURL), DefaultBaseURL)
	c.FlushInterval = cmp.Or(c.FlushInterval, DefaultFlushInterval)
	c.MaxBytes = cmp.Or(c.MaxBytes, DefaultMaxBytes)
	c.MaxWait = cmp.Or(c.MaxWait, DefaultMaxWait)
	c.IdleAfter = cmp.Or(c.IdleAfter, DefaultIdleAfter)
	c.OrphanAfter = cmp.Or(c.OrphanAfter, DefaultOrphanAfter)
	if c.Slog == nil {
		c.Slog = slog.Default()
	}
	return c
}

// validate checks what withDefaults returned; the transport checks BaseURL and APIKey.
func (c Config) validate() error {
	for _, check := range []struct {
		field, reason string
		bad           bool
	}{
		{"ID", "is empty: set it, or " + EnvRepoID + ", to the log repository", c.ID == ""},
		{"FlushInterval", "is negative: use ManualFlush to turn sending by time off", c.FlushInterval < 0},
		{"MaxBytes", "is negative", c.MaxBytes < 0},
		{"IdleAfter", "is negative", c.IdleAfter < 0},
		{"OrphanAfter", "is negative: use KeepOrphans to turn it off", c.OrphanAfter < 0},
	} {
		if check.bad {
			return &ConfigError{Field: check.field, Reason: check.reason}
		}
	}
	return nil
}

func workers() int { return 2 * runtime.GOMAXPROCS(0) }
