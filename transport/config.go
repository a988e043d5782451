package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
)

// Config configures an HTTP. BaseURL and RepositoryID are required. Printing a Config shows no
// key.
type Config struct {
	// BaseURL is the URL of the server's API: https, or http for a loopback host. It may have a
	// path, but no query, fragment or user information.
	BaseURL string
	// RepositoryID is the id of the log repository. It may be any text; requests escape it.
	RepositoryID string
	// APIKey authenticates the client. It may be empty for a loopback host only.
	APIKey string `json:"-"`
	// AllowInsecure permits http to hosts other than loopback. Everybody on the network path can
	// then read the key and the log.
	AllowInsecure bool
	// InFlight limits the number of batches in flight at the same time. There are as many
	// connections, and three for everything else. Default 1.
	InFlight int
	// RoundTripper makes the requests to the server. It must not follow redirects. It is not used
	// for uploads to other origins, see Upload. Default: a dedicated transport with a timeout on
	// every step.
	RoundTripper http.RoundTripper
}

// Format implements fmt.Formatter, so that no verb prints the key.
func (c Config) Format(s fmt.State, _ rune) {
	repository := brief.Quote(c.RepositoryID)
	fmt.Fprintf(s, "transport.Config{RepositoryID: %s, AllowInsecure: %t}", repository, c.AllowInsecure)
}

// ConfigError is returned by New for a field that it cannot use. It never contains the value, which
// may be a secret.
type ConfigError struct {
	Field  string // name of the field of Config
	Reason string // the rule that the value breaks, and how to fix it
}

// Error implements error.
func (e *ConfigError) Error() string { return "transport: Config." + e.Field + " " + e.Reason }

// endpoint checks all fields and returns the parsed base URL.
func (c Config) endpoint() (*url.URL, error) {
	base, err := parseBase(c.BaseURL)
	if err != nil {
		return nil, err
	}
	local := loopback(base.Hostname())
	switch {
	case base.Scheme == "http" && !local && !c.AllowInsecure:
		return nil, &ConfigError{"BaseURL", "must use https: over http everybody on the way can read " +
			"the key and the log; if they may, set AllowInsecure"}
	case c.RepositoryID == "":
		return nil, &ConfigError{"RepositoryID", "is empty: give the id of the log repository"}
	case c.APIKey == "" && !local:
		return nil, &ConfigError{"APIKey", "is empty: only a loopback host is used without a key"}
	case strings.ContainsFunc(c.APIKey, notHeader):
		return nil, &ConfigError{"APIKey", "has a space, line break or other character that a key cannot have"}
	}
	return base, nil
}

// parseBase parses a base URL. Its errors never include the parser's error, which quotes the URL,
// password included.
func parseBase(raw string) (*url.URL, error) {
	fail := func(reason string) (*url.URL, error) { return nil, &ConfigError{"BaseURL", reason} }
	if raw == "" {
		return fail("is empty: give the URL of the log server")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fail("is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return fail("must begin with https:// or http://")
	case u.Hostname() == "":
		return fail("names no host")
	case u.User != nil:
		return fail("must not hold a user name or password: the key goes into APIKey")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail("must not have a query or a fragment")
	}
	return u, nil
}

// Local reports whether the host of a base URL is this machine by its name alone: localhost, or a
// loopback address. It returns false if baseURL is not a URL.
func Local(baseURL string) bool {
	u, err := url.Parse(baseURL)
	return err == nil && loopback(u.Hostname())
}

// loopback reports whether a host is this machine by its name alone. A name that resolves to a
// loopback address does not count, because the address of a name can change.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// notHeader reports whether a rune cannot be part of a key in an HTTP header.
func notHeader(r rune) bool { return r <= ' ' || r > '~' }
