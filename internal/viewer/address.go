package viewer

import (
	"context"
	"net/http"
)

// Address is how the client of a request sees the collector: as it is, or through a proxy.
type Address struct {
	Scheme string // "http" or "https"
	Host   string // with the port, where that is not the scheme's
	Prefix string // path before the addresses of all pages, without a slash at its end; usually ""
}

type addressKey struct{}

// WithAddress returns a context for a request that was made at an address. Without one,
// pages are at the root of a host and their cookies go over http too.
func WithAddress(ctx context.Context, a Address) context.Context {
	return context.WithValue(ctx, addressKey{}, a)
}

// AddressOf returns the address that a request was made at.
func AddressOf(r *http.Request) Address {
	a, _ := r.Context().Value(addressKey{}).(Address)
	return a
}

// Root returns the URL of the collector, such as https://logs.example.com/troupe.
func (a Address) Root() string { return a.Scheme + "://" + a.Host + a.Prefix }

// Cookie returns a cookie that scripts cannot read and that is sent to the collector only,
// over TLS only where it has that.
func (a Address) Cookie(name, value string, seconds int) *http.Cookie {
	path := a.Prefix
	if path == "" {
		path = "/"
	}
	return &http.Cookie{ //nolint:gosec // Secure where there is TLS: on loopback there is none
		Name: name, Value: value, Path: path, MaxAge: seconds,
		HttpOnly: true, Secure: a.Scheme == "https", SameSite: http.SameSiteStrictMode,
	}
}
