package llm

import (
	"net/http"
	"sync/atomic"
)

// DefaultMaxBytes is the default of Options.MaxBytes: 4 MiB.
const DefaultMaxBytes = 4 << 20

// Options configure logging. The zero value logs everything.
type Options struct {
	// OmitContent omits content: messages, answers, the texts of errors, and all parameters
	// except numbers and booleans. Models, usage, finish reasons, kinds of errors and
	// times are still logged.
	OmitContent bool

	// MaxBytes limits how much of a request, and of a response, is kept in memory and
	// logged, in bytes. Longer ones are still sent and received whole. In a longer request,
	// pictures and other base64 are dropped first, and texts of more than 64 KiB keep their
	// first and last 32 KiB (an eighth of MaxBytes if that is small). If that is not
	// enough, the oldest messages are dropped. The generation lists the cuts in the
	// metadata troupe.cut. Default: DefaultMaxBytes.
	MaxBytes int
}

func (o Options) limit() int {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return DefaultMaxBytes
}

// Transport returns a transport that sends requests through base and logs the model calls
// among them. A nil base means http.DefaultTransport. The result is safe for concurrent use
// if base is.
func Transport(base http.RoundTripper, o Options) http.RoundTripper {
	return &transport{base: base, options: o}
}

type transport struct {
	base    http.RoundTripper
	options Options
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.options.Middleware(r, t.next().RoundTrip)
}

func (t *transport) next() http.RoundTripper {
	if t.base == nil {
		return http.DefaultTransport
	}
	return t.base
}

// CloseIdleConnections closes the idle connections of the base transport, if it can.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Middleware sends a request through next and logs it if it is a model call. Pass it to
// option.WithMiddleware of openai-go or anthropic-sdk-go.
func Middleware(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return Options{}.Middleware(r, next)
}

// Middleware is like the function Middleware, with options.
func (o Options) Middleware(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	c, sent := begin(r, o)
	if c == nil {
		return next(r)
	}
	returned := false
	defer func() {
		if !returned {
			c.abandoned()
		}
	}()
	resp, err := next(sent)
	returned = true
	c.answered(resp, err)
	if resp != nil && resp.Request == sent {
		resp.Request = r
	}
	return resp, err
}

// panics counts the panics that guard contained.
var panics atomic.Int64

// Panics returns the number of panics that this package has contained since the process
// started. Each is a bug: a generation may be incomplete, but the call was not affected.
func Panics() int64 { return panics.Load() }

// guard runs f and contains its panics.
func guard(f func()) {
	defer func() {
		if recover() != nil {
			panics.Add(1)
		}
	}()
	f()
}
