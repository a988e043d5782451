package llm

import (
	"net/http"
	"sync/atomic"
)

// DefaultMaxBytes is how much of a request and of an answer is read along unless
// Options.MaxBytes says otherwise.
const DefaultMaxBytes = 4 << 20

// Options say what is logged. The zero value logs everything.
type Options struct {
	// OmitContent leaves out what is said: messages, parameters but for numbers and
	// booleans, answers, and the texts of errors. Models, usage, finish reasons, kinds of
	// errors and times are logged all the same.
	OmitContent bool

	// MaxBytes is how much of a request, and of an answer, is kept in memory and logged,
	// in bytes. What is more is sent and received as ever. Of a longer request, pictures and
	// other base64 are left out first, texts of more than 64 KiB keep their first and last
	// 32 KiB (an eighth of a small MaxBytes), and if that is not enough the oldest messages
	// go; the metadata troupe.cut of the generation lists it. Default: DefaultMaxBytes.
	MaxBytes int
}

func (o Options) limit() int {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return DefaultMaxBytes
}

// Transport returns a transport that sends requests through base and logs those that call
// a model. A nil base is http.DefaultTransport. It may be used concurrently if base may.
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

// CloseIdleConnections is for http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Middleware sends a request through next and logs it if it calls a model. It is what
// openai-go and anthropic-sdk-go take as option.WithMiddleware.
func Middleware(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return Options{}.Middleware(r, next)
}

// Middleware is the function Middleware with options.
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

// panics counts what guard caught.
var panics atomic.Int64

// Panics returns how many panics this package has contained since the process began. Each
// is a bug: a generation may be incomplete, the call was not affected.
func Panics() int64 { return panics.Load() }

// guard runs f and contains its panic.
func guard(f func()) {
	defer func() {
		if recover() != nil {
			panics.Add(1)
		}
	}()
	f()
}
