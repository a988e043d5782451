package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/viewer"
	"github.com/troupelog/troupe/pricing"
)

// Config says how a collector is to work. Its zero value is usable.
type Config struct {
	// Dir is the folder for everything that is stored. It is created if it does
	// not exist. Empty means a temporary folder that Close removes.
	Dir string
	// APIKey is the key that clients must send: printable ASCII without spaces. Empty means
	// that any key, or none, is accepted; Serve then refuses addresses that other machines
	// can reach.
	APIKey string
	// KeepFor is how long lines and uploads are kept, counted from their reception; 0 keeps
	// them for good. KeepBytes bounds what the folder holds: where it is more, the oldest
	// lines and uploads go, as few as it takes; 0 does not bound. Journals, of 16 MiB at
	// most for each file of a database, come on top. Both are looked at every five minutes.
	KeepFor   time.Duration
	KeepBytes int64
	// PublicURL is where clients and browsers find the collector if that is not where it
	// listens: behind a proxy. It has a scheme, a host and perhaps a path, below which the
	// collector is, whether the proxy takes that path away or not. Upload URLs, redirects,
	// cookies and the links of pages follow it. Forms that a page at the collector's own
	// address sends go by that address. Empty means what each request names.
	PublicURL string
	// TrustedProxies are the networks of the proxies before the collector. Their headers
	// X-Forwarded-For, -Proto, -Host and -Prefix are believed; those of others are not.
	// Where PublicURL is set too, it is what counts for requests of these proxies, and the
	// others go by what they name. Default: none.
	TrustedProxies []netip.Prefix
	// TLS makes Serve speak TLS with these certificates, of version 1.2 at least. It is
	// cloned. Nil means plain http.
	TLS *tls.Config
	// Drain is how long Serve goes on to answer when its context has ended, while /readyz
	// says that the collector is not ready: as long as a load balancer needs to see it.
	// Default: not at all.
	Drain time.Duration
	// Prices says what model calls cost whose log gives no cost; nil is pricing.Default().
	// A folder that was filled with other prices is indexed again when it is opened.
	Prices *pricing.Table
	// Logger gets what goes wrong behind the answers. It never gets lines, keys or
	// signed URLs. Nil discards it.
	Logger *slog.Logger
}

// Collector stores log lines and answers questions about them. Make one with New.
type Collector struct {
	handler   http.Handler
	logger    *slog.Logger
	guard     guard
	signer    signer
	temporary string // folder that Close removes, or empty

	lock      *flock.Flock
	log       store.Log
	index     store.Index
	blobs     *blobs
	search    store.Search
	explorer  store.Explorer
	prices    *pricing.Table
	dir       string
	started   time.Time
	serving   atomic.Value // string: host and port that Serve answers at
	counts    counts
	metrics   *metrics
	readiness readiness
	tls       *tls.Config   // nil: no TLS
	drain     time.Duration // as Config.Drain
	keepFor   time.Duration
	keepBytes int64
	unkeep    context.CancelFunc // ends keep
	kept      chan struct{}      // closed when keep has ended
	untrimmed atomic.Bool        // what was deleted is still in a file
	finished  bool               // nothing is left of a Forget of the process before; of keep
	folder    *follower
	seeker    *searcher
	memory    budget // for the bodies of log requests
	viewer    *viewer.Viewer
	formKeys  keys

	closing sync.Once
	failure error // of Close, written within closing
}

// counts are what the pages and the metrics say of requests since the start.
type counts struct {
	requests, unauthorized         atomic.Uint64
	accepted, duplicates, rejected atomic.Uint64 // lines
	uploaded                       atomic.Uint64 // bytes
	last                           atomic.Value  // string: why a line was rejected last
}

// answered counts the lines of a request that was answered 200, beside those it stored.
func (c *counts) answered(duplicates, refused int) {
	c.duplicates.Add(uint64(duplicates))
	c.rejected.Add(uint64(refused))
}

// ErrInUse is returned by New for a folder that another collector works on, in this
// process or another.
var ErrInUse = errors.New("collector: another collector uses the folder: stop it, or choose another folder")

// New opens or creates a collector. Close it. All files of the folder are made for this user
// alone; links in it are refused. A damaged index or search is set aside, under its name with
// .damaged behind it, and built anew from the log; a damaged log is a *store.DamagedError.
func New(cfg Config) (*Collector, error) {
	if cfg.KeepFor < 0 || cfg.KeepBytes < 0 {
		return nil, ErrKeep
	}
	c := &Collector{keepFor: cfg.KeepFor, keepBytes: cfg.KeepBytes, kept: make(chan struct{}), logger: cfg.Logger, prices: cfg.Prices, started: time.Now()}
	if err := c.door(cfg); err != nil {
		return nil, err
	}
	if c.prices == nil {
		c.prices = pricing.Default()
	}
	c.memory.left.Store(maxBodies)
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	dir := cfg.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "troupe-collector-"); err != nil {
			return nil, fmt.Errorf("collector: making a temporary folder: %w", err)
		}
		c.temporary = dir
	}
	c.dir = dir
	if err := c.open(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("collector: opening %s: %w", dir, err), c.release())
	}
	c.log = observedLog{c.log, c}
	var err error
	if c.viewer, err = c.pages(); err != nil {
		return nil, errors.Join(err, c.release())
	}
	routes, segments := c.routes()
	if err := c.guard.proxies.clash(segments); err != nil {
		return nil, errors.Join(err, c.release())
	}
	turns := newTurns()
	c.folder = startFolder(c.log, c.index, c.blobs, turns, c.logger)
	c.seeker = startSearcher(c.log, c.search, c.blobs, turns, c.logger)
	keeping, unkeep := context.WithCancel(context.Background())
	c.unkeep = unkeep
	go func() {
		defer close(c.kept)
		c.keep(keeping)
	}()
	// Pages of other sites must not write here: without a key, a browser's own rules
	// are all that keeps them out. The SDKs send no Origin and pass.
	c.handler = http.NewCrossOriginProtection().Handler(routes)
	return c, nil
}

// Settle waits until everything that was acknowledged before the call is folded,
// and so seen by queries. It returns the error of ctx if that ends first, or
// store.ErrClosed.
func (c *Collector) Settle(ctx context.Context) error {
	head, err := c.log.Head(ctx)
	if err != nil {
		return err
	}
	return c.folder.wait(ctx, head)
}

// SettleSearch waits until everything that was acknowledged before the call can be
// searched, as Settle does for queries.
func (c *Collector) SettleSearch(ctx context.Context) error {
	head, err := c.log.Head(ctx)
	if err != nil {
		return err
	}
	return c.seeker.wait(ctx, head)
}

// Rebuild empties the index and the search, derives both anew from all stored lines and
// waits until that is done or ctx ends; the work goes on in the latter case.
func (c *Collector) Rebuild(ctx context.Context) error {
	if err := errors.Join(c.folder.restart(ctx), c.seeker.restart(ctx)); err != nil {
		return err
	}
	return errors.Join(c.Settle(ctx), c.SettleSearch(ctx))
}

// Close stops folding and searching and closes the files. Requests that come later are answered
// 503; stop the server first. It waits for steps under way, until ctx
// ends. Lines that are stored but not folded are folded after the next New. A
// second Close returns what the first one did.
func (c *Collector) Close(ctx context.Context) error {
	c.closing.Do(func() {
		c.unkeep()
		select {
		case <-c.kept:
		case <-ctx.Done():
		}
		c.readiness.close(ctx)
		c.failure = errors.Join(c.folder.stop(ctx), c.seeker.stop(ctx), c.release())
	})
	return c.failure
}

// release closes what is open and removes the temporary folder.
func (c *Collector) release() error {
	var errs []error
	if c.search != nil {
		errs = append(errs, c.search.Close())
	}
	if c.index != nil {
		errs = append(errs, c.index.Close())
	}
	if c.log != nil {
		errs = append(errs, c.log.Close())
	}
	if c.blobs != nil {
		errs = append(errs, c.blobs.close())
	}
	if c.lock != nil {
		errs = append(errs, c.lock.Unlock())
	}
	if c.temporary != "" {
		errs = append(errs, os.RemoveAll(c.temporary))
	}
	return errors.Join(errs...)
}
