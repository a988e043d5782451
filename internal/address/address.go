package address

import (
	"context"
	"net/http"
)

// Address is the place where the client of a request sees the collector, which differs from
// the place where it listens if there is a proxy in between.
type Address struct {
	Scheme string // "http" or "https"
	Host   string // with the port, unless that is the default of the scheme
	Prefix string // path before all others, without a slash at its end; usually ""
}

type contextKey struct{}

// With returns a context for a request that was made at an address.
func With(ctx context.Context, a Address) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// Of returns the address that a request was made at, or the zero Address if its context has
// none. Pages are then at the root of a host, and their cookies go over plain http too.
func Of(r *http.Request) Address {
	a, _ := r.Context().Value(contextKey{}).(Address)
	return a
}

// Root returns the URL of the collector, such as https://logs.example.com/troupe.
func (a Address) Root() string { return a.Scheme + "://" + a.Host + a.Prefix }

// Cookie returns a cookie that scripts cannot read, that browsers send to the collector only
// and, if its scheme is https, over TLS only.
func (a Address) Cookie(name, value string, seconds int) *http.Cookie {
	path := a.Prefix
	if path == "" {
		path = "/"
	}
	return &http.Cookie{ //nolint:gosec // Secure is set with TLS: a loopback address has none
		Name: name, Value: value, Path: path, MaxAge: seconds,
		HttpOnly: true, Secure: a.Scheme == "https", SameSite: http.SameSiteStrictMode,
	}
}
