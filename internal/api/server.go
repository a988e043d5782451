package api

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupelog/troupe/internal/address"
	"github.com/troupelog/troupe/internal/service"
)

// Config configures a Server. collector.Config documents the fields.
type Config struct {
	APIKey         string
	PublicURL      string
	TrustedProxies []netip.Prefix
	TLS            *tls.Config
	Drain          time.Duration
	Logger         *slog.Logger // required
}

// Check returns a *ConfigError if a Config cannot be used. New also checks that the path of
// PublicURL does not clash with a route.
func (c Config) Check() error {
	if _, err := newProxies(c.PublicURL, c.TrustedProxies); err != nil {
		return err
	}
	switch {
	case c.Drain < 0:
		return &ConfigError{"Drain", "is negative: use 0 to stop at once"}
	case c.APIKey != "" && !validKey(c.APIKey):
		return &ConfigError{"APIKey", "has a space, line break or other character that a key cannot have"}
	}
	return nil
}

// Pages are the pages for people. Package viewer implements it.
type Pages interface {
	http.Handler
	// Patterns returns the patterns of http.ServeMux that the pages answer to: those behind
	// sign-in, and those for everybody.
	Patterns() (guarded, open []string)
	// AskForKey answers with a status and the form that asks for the API key. action is the
	// path that the form is sent to, next the page to show after that, and problem the
	// reason why the last attempt failed, or "".
	AskForKey(w http.ResponseWriter, r *http.Request, status int, action, next, problem string)
	// Follow allows or forbids live streams. Forbidding ends those that are open: a server
	// that stops would wait for them.
	Follow(allowed bool)
}

// Server answers the HTTP requests of SDKs, exporters, programs and people. Make one with
// New. It is safe for concurrent use: its fields are immutable, and those that change guard
// themselves. A Server has no Close; end Serve, then close the service.
type Server struct {
	service *service.Service
	pages   Pages
	handler http.Handler
	logger  *slog.Logger
	guard   guard
	signer  signer
	memory  budget // for the bodies of log requests
	answers *prometheus.CounterVec
	tls     *tls.Config // nil: no TLS
	drain   time.Duration
}

// New returns a server for a service and its pages. It fails with a *ConfigError. It adds its
// metrics to the registry of the service, so a service has one Server.
func New(svc *service.Service, pages Pages, cfg Config) (*Server, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	proxies, err := newProxies(cfg.PublicURL, cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s := &Server{
		service: svc, pages: pages, logger: cfg.Logger, guard: newGuard(svc, cfg.APIKey, proxies), signer: signer{svc.Keys("upload")},
		answers: newAnswers(svc.Registry()), drain: cfg.Drain,
	}
	s.memory.left.Store(maxBodies)
	if cfg.TLS != nil {
		s.tls = cfg.TLS.Clone()
		s.tls.MinVersion = max(s.tls.MinVersion, tls.VersionTLS12)
		s.tls.NextProtos = []string{"http/1.1"} // HTTP/2 does not limit the requests of all its connections together
	}
	routes, segments := s.routes()
	if err := proxies.clash(segments); err != nil {
		return nil, err
	}
	// Until Serve knows the listener, only the public URL can be announced.
	s.announce("")
	// Pages of other sites must not write here. Without an API key, the rules of the browser
	// are the only thing that stops them. SDKs send no Origin and pass.
	s.handler = http.NewCrossOriginProtection().Handler(routes)
	return s, nil
}

// ServeHTTP answers a request. It may be part of another server, at the root of a host or,
// with Config.PublicURL, below a path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The address is found out once; everything below reads it from the context.
	at := s.guard.proxies.address(r)
	r = r.WithContext(address.With(r.Context(), at))
	r.Host = at.Host // CrossOriginProtection compares the Origin of a form with it
	r.URL = s.guard.proxies.strip(r.URL)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body := &sentBody{ReadCloser: r.Body}
	r.Body = body
	// Redirects of all handlers, also of http.ServeMux, need the prefix.
	a := &answer{ResponseWriter: w, prefix: at.Prefix}
	s.handler.ServeHTTP(a, r)
	a.end()
	s.countAnswer(r.Pattern, a.status)
	body.drain(w, r)
}

// announce tells the service where clients reach the collector: at the public URL, or at the
// address of a listener. With neither, the URL is unknown.
func (s *Server) announce(listening string) {
	at := ""
	switch {
	case s.guard.proxies.public != nil:
		at = s.guard.proxies.public.String()
	case listening == "":
	case s.tls != nil:
		at = "https://" + listening
	default:
		at = "http://" + listening
	}
	s.service.Announce(at, s.guard.keyed)
}
