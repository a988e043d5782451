package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/troupelog/troupe/internal/address"
)

// proxies knows the proxies between clients and the collector, and the URL that clients use.
// It is immutable.
type proxies struct {
	public  *url.URL       // Config.PublicURL; nil if not set
	trusted []netip.Prefix // networks whose X-Forwarded headers are believed
}

// Headers in which a proxy describes the request of its client.
const (
	forwardedFor    = "X-Forwarded-For"
	forwardedProto  = "X-Forwarded-Proto"
	forwardedHost   = "X-Forwarded-Host"
	forwardedPrefix = "X-Forwarded-Prefix"
)

// newProxies checks the fields of Config about proxies. It fails with a *ConfigError.
func newProxies(public string, trusted []netip.Prefix) (proxies, error) {
	p := proxies{trusted: trusted}
	if slices.ContainsFunc(trusted, func(prefix netip.Prefix) bool { return !prefix.IsValid() }) {
		return p, &ConfigError{"TrustedProxies", "must hold networks, such as 10.0.0.0/8"}
	}
	if public == "" {
		return p, nil
	}
	u, err := url.Parse(public)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost(u.Host) || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		// The parser's error would repeat a password in the URL.
		return p, &ConfigError{"PublicURL", "must be a URL with scheme, host and perhaps a path, such as https://logs.example.com/troupe"}
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	// Browsers omit the default port in the Origin header.
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port) // as browsers write it
	}
	// The path becomes part of links and cookies, where other characters would need escapes.
	if !validPrefix(u.Path) || u.RawPath != "" {
		return p, &ConfigError{"PublicURL", "must have a path of letters, digits and . _ ~ - only"}
	}
	p.public = u
	return p, nil
}

// clash returns a *ConfigError if the path of the public URL begins like a path of the
// collector: requests would be ambiguous.
func (p proxies) clash(segments []string) error {
	if p.public == nil || p.public.Path == "" {
		return nil
	}
	if first := firstSegment(p.public.Path); slices.Contains(segments, first) {
		return &ConfigError{"PublicURL", "must not have a path that begins with /" + first + ": the collector has addresses there itself"}
	}
	return nil
}

// validHost reports whether a text is a host, with or without a port, and nothing else.
var validHost = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`).MatchString

var prefixCharacters = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`).MatchString

// validPrefix reports whether a path, without a slash at its end, can be put before the paths
// of pages, so that browsers read the result as a path of this host.
func validPrefix(prefix string) bool {
	return prefixCharacters(prefix) && (prefix == "" || path.Clean(prefix) == prefix)
}

// trusts reports whether a proxy's headers are believed.
func (p proxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// peer returns the other end of the connection of a request, or the zero Addr if it is unknown.
func peer(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr().Unmap().WithZone("")
}

// client returns the address of the client: the last address in X-Forwarded-For that is not a
// trusted proxy. Each proxy appends the address of its peer, so addresses that a client wrote
// itself come before and are ignored.
func (p proxies) client(r *http.Request) netip.Addr {
	addr := peer(r)
	if !p.trusts(addr) {
		return addr
	}
	// Several headers of the same name are one list (RFC 9110, section 5.3).
	hops := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		if addr = next; !p.trusts(addr) {
			break
		}
	}
	return addr
}

// parseHop parses an address of X-Forwarded-For. Some proxies add the port.
func parseHop(hop string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(hop); err == nil {
		hop = host
	}
	addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}

// address returns the address at which the client of a request sees the collector. It is the
// public URL if the request came through a proxy. With trusted proxies, their networks decide
// that; without any, every request counts as proxied unless direct reports otherwise. For
// other requests, the headers of a trusted proxy count, or else the request itself.
func (p proxies) address(r *http.Request) address.Address {
	proxied := p.trusts(peer(r))
	if p.public != nil && (proxied || len(p.trusted) == 0 && !p.direct(r)) {
		return address.Address{Scheme: p.public.Scheme, Host: p.public.Host, Prefix: p.public.Path}
	}
	a := address.Address{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		a.Scheme = "https"
	}
	if !proxied {
		return a
	}
	// A trusted proxy may still pass on nonsense from its client; each value is checked.
	if scheme := last(r, forwardedProto); scheme == "http" || scheme == "https" {
		a.Scheme = scheme
	}
	if host := last(r, forwardedHost); validHost(host) {
		a.Host = host
	}
	if prefix := strings.TrimSuffix(last(r, forwardedPrefix), "/"); validPrefix(prefix) {
		a.Prefix = prefix
	}
	return a
}

// direct reports whether a page at the address of the collector itself has sent a request. A
// proxy may put any name into Host, but the Origin of a browser behind it is the public URL.
func (p proxies) direct(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && origin.Host == r.Host && !p.named(r.Host)
}

// last returns the last value of a header, which the nearest proxy has set.
func last(r *http.Request, header string) string {
	all := strings.Join(r.Header.Values(header), ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

// strip returns the URL of a request without the path of the public URL, which some proxies
// remove and others keep.
func (p proxies) strip(asked *url.URL) *url.URL {
	if p.public == nil || p.public.Path == "" {
		return asked
	}
	rest, ok := strings.CutPrefix(asked.EscapedPath(), p.public.Path)
	if !ok || rest != "" && rest[0] != '/' {
		return asked
	}
	if rest == "" {
		rest = "/"
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return asked
	}
	// The request is shared with the server above: its URL must not change.
	u := *asked
	u.Path, u.RawPath = plain, rest // RawPath counts only if it differs from the encoding of Path
	return &u
}

// named reports whether a Host header has the host of the public URL.
func (p proxies) named(host string) bool {
	return p.public != nil && strings.EqualFold((&url.URL{Host: host}).Hostname(), p.public.Hostname())
}
