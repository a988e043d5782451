package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/api"
	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/viewer"
	"github.com/troupelog/troupe/pricing"
)

// Config configures a Collector. Its zero value is usable.
type Config struct {
	// Store is the storage. New takes it over: Collector.Close closes it, and so does New if
	// it fails. Nil means SQLite in Dir.
	Store Store
	// Dir is the folder of the SQLite files and uploads. It is created if it does not exist.
	// Empty means a temporary folder that Close removes. It is not used with Store.
	Dir string
	// APIKey is the key that clients must send: printable ASCII without spaces. If it is
	// empty, any key or none is accepted, and Serve refuses addresses that other machines
	// can reach.
	APIKey string
	// KeepFor is the time for which lines and uploads are kept, counted from their reception.
	// 0 means no limit.
	KeepFor time.Duration
	// KeepBytes limits the size of the folder. Above it, the oldest lines and uploads are
	// deleted, as few as it takes. 0 means no limit. Journals, of at most 16 MiB for each
	// file of a database, are not counted. Both limits are enforced every five minutes.
	KeepBytes int64
	// PublicURL is the URL at which clients and browsers reach the collector, if that differs
	// from the address where it listens: behind a proxy. It has a scheme, a host and
	// optionally a path, below which the collector is, whether or not the proxy removes that
	// path. Upload URLs, redirects, cookies and links of pages use it. Forms that a page at
	// the address of the collector itself sends use that address. Empty means the address
	// that each request names.
	PublicURL string
	// TrustedProxies are the networks of the proxies in front of the collector. Their headers
	// X-Forwarded-For, -Proto, -Host and -Prefix are believed; those of others are ignored.
	// If PublicURL is set too, it applies to requests from these proxies only. Default: none.
	TrustedProxies []netip.Prefix
	// TLS makes Serve speak TLS with these certificates, version 1.2 or later. It is cloned.
	// Nil means plain http.
	TLS *tls.Config
	// Drain is the time for which Serve keeps answering after its context has ended, while
	// /readyz reports that the collector is not ready: the time that a load balancer needs to
	// notice. Default: 0.
	Drain time.Duration
	// Prices gives the cost of model calls whose log has none. Nil means pricing.Default().
	// The index of a folder that was filled with other prices is rebuilt.
	Prices *pricing.Table
	// Logger receives background failures and internal errors of requests. It never receives
	// lines, keys or signed URLs. Nil discards them.
	Logger *slog.Logger
}

// Store is the storage of a collector. It is opaque: other packages open one and put it into
// Config.Store.
type Store = store.Cluster

// Collector stores log lines and answers questions about them. Make one with New. All its
// methods are safe for concurrent use.
type Collector struct {
	service   *service.Service
	server    *api.Server
	temporary string // folder that Close removes, or ""

	closing sync.Once
	failure error // of Close, written within closing
}

var _ http.Handler = (*Collector)(nil)

// Errors of New and Serve.
var (
	// ErrInUse is returned by New for a folder that another collector uses, in this process or
	// another.
	ErrInUse = sqlite.ErrInUse
	// ErrKeep is returned by New for a negative Config.KeepFor or Config.KeepBytes.
	ErrKeep = service.ErrKeep
	// ErrNoKey is returned by Serve if other machines can connect and there is no API key.
	ErrNoKey = api.ErrNoKey
)

// ConfigError is returned by New for a Config that cannot be used. It never contains the
// value, which may be a secret.
type ConfigError = api.ConfigError

// New opens or creates a collector. Close it. All files are private to this user; links in the
// folder are refused. A damaged index or search is renamed to a name with .damaged at its end
// and rebuilt from the log. A damaged log is an error, whose text says how to rescue it.
func New(cfg Config) (*Collector, error) {
	c, err := newCollector(cfg)
	if err != nil && cfg.Store != nil {
		err = errors.Join(err, cfg.Store.Close())
	}
	return c, err
}

func newCollector(cfg Config) (*Collector, error) {
	if cfg.KeepFor < 0 || cfg.KeepBytes < 0 {
		return nil, ErrKeep
	}
	if cfg.Prices == nil {
		cfg.Prices = pricing.Default()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	access := api.Config{
		APIKey: cfg.APIKey, PublicURL: cfg.PublicURL, TrustedProxies: cfg.TrustedProxies,
		TLS: cfg.TLS, Drain: cfg.Drain, Logger: cfg.Logger,
	}
	if err := access.Check(); err != nil { // before anything is created
		return nil, err
	}
	c := &Collector{}
	if cfg.Store == nil && cfg.Dir == "" {
		var err error
		if c.temporary, err = os.MkdirTemp("", "troupe-collector-"); err != nil {
			return nil, fmt.Errorf("collector: making a temporary folder: %w", err)
		}
		cfg.Dir = c.temporary
	}
	if err := c.open(cfg, access); err != nil {
		return nil, errors.Join(err, c.removeTemporary())
	}
	return c, nil
}

// open opens SQLite unless there is a store, starts the service on it, and puts the pages and
// the HTTP interface on top. On failure it leaves nothing open.
func (c *Collector) open(cfg Config, access api.Config) error {
	ctx := context.Background()
	if cfg.Store == nil {
		cluster, err := sqlite.Open(ctx, cfg.Dir, cfg.Prices, cfg.Logger)
		if err != nil {
			return fmt.Errorf("collector: opening %s: %w", cfg.Dir, err)
		}
		cfg.Store = cluster
	} else {
		cfg.Dir = ""
	}
	var err error
	c.service, err = service.New(ctx, service.Config{
		Store: cfg.Store, Location: cfg.Dir, Prices: cfg.Prices, KeepFor: cfg.KeepFor, KeepBytes: cfg.KeepBytes, Logger: cfg.Logger,
	})
	if err != nil {
		return errors.Join(err, cfg.Store.Close())
	}
	pages, err := viewer.New(c.service, cfg.Logger)
	if err == nil {
		c.server, err = api.New(c.service, pages, access)
	}
	if err != nil {
		return errors.Join(err, c.service.Close(ctx))
	}
	return nil
}

// ServeHTTP answers a request of an SDK, an exporter, a program or a browser. It may be part
// of another server, at the root of a host or, with Config.PublicURL, below a path.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.server.ServeHTTP(w, r) }

// Serve answers requests from a listener until ctx ends, with limits that keep slow and greedy
// clients from harming others. Then /readyz reports that the collector is not ready; after
// Config.Drain, Serve stops listening, ends live streams, waits up to 20 seconds for requests
// under way, and returns nil. It closes the listener, but not the collector. It speaks
// HTTP/1.1, over TLS with Config.TLS. Without an API key it returns ErrNoKey for an address
// that other machines can reach.
//
// On a loopback address, the Host header of a request must name this machine or the host of
// Config.PublicURL, so that no web page can reach the collector under a name of its choice.
// Only /healthz and /readyz are answered for any name.
func (c *Collector) Serve(ctx context.Context, listener net.Listener) error {
	return c.server.Serve(ctx, listener)
}

// Metrics answers with the metrics in the text format of Prometheus. It asks for no API key:
// serve it only where everybody who can connect may read them. With the key they are at
// /metrics, too.
func (c *Collector) Metrics() http.Handler { return c.server.Metrics() }

// WaitIndexed waits until queries see everything that was acknowledged before the call. It
// returns the error of ctx if that ends first, or an error if the collector is closed.
func (c *Collector) WaitIndexed(ctx context.Context) error { return c.service.WaitIndexed(ctx) }

// WaitSearchable waits until searches find everything that was acknowledged before the call.
// It fails as WaitIndexed does.
func (c *Collector) WaitSearchable(ctx context.Context) error { return c.service.WaitSearchable(ctx) }

// Rebuild empties the index and the search, derives both again from all stored lines, and
// waits for the end of that. If ctx ends first, the work continues in the background.
func (c *Collector) Rebuild(ctx context.Context) error { return c.service.Rebuild(ctx) }

// Prune deletes everything received before a time, in all repositories: lines, data derived
// from them, and uploads. Sequence numbers of senders stay used, so deleted lines that are
// sent again do not come back, and line numbers are never given twice. Roll-ups of the
// overview stay, and so does the index entry of a trace or session with lines that are kept.
// When Prune returns, the files hold none of the deleted data; if a long query still reads
// some of it, Config.Logger reports that and the data goes soon after the query. Prune works
// in small transactions beside everything else. After an error it can be called again.
func (c *Collector) Prune(ctx context.Context, before time.Time) error {
	return c.service.Prune(ctx, before)
}

// LongestWrites returns the longest transactions since the previous call.
func (c *Collector) LongestWrites() LongestWrites { return c.service.LongestWrites() }

// Close stops the background work and closes the files. Stop the server first: requests that
// arrive later are answered 503. Close waits for work under way until ctx ends. Lines that
// are stored but not indexed are indexed after the next New. A second Close returns the
// result of the first.
func (c *Collector) Close(ctx context.Context) error {
	c.closing.Do(func() { c.failure = errors.Join(c.service.Close(ctx), c.removeTemporary()) })
	return c.failure
}

func (c *Collector) removeTemporary() error {
	if c.temporary == "" {
		return nil
	}
	return os.RemoveAll(c.temporary)
}
