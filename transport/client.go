package transport

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Limits of one attempt.
const (
	attemptBudget  = 30 * time.Second // for all requests of an attempt together
	attemptRetries = 2                // requests after the first

	dialTimeout      = 5 * time.Second
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 20 * time.Second // from the end of the request to the headers of the answer
	idleTimeout      = time.Minute
	connections      = 3 // for everything except batches

	maxAnswerHead = 64 << 10 // bytes of an answer's headers
)

// newServerTransport returns the transport for requests to the server. It uses a proxy from the
// environment for https only, where the proxy cannot see the key.
func newServerTransport(scheme string, inFlight int) *http.Transport {
	t := newTransport(&net.Dialer{Timeout: dialTimeout}, connections+max(inFlight, 1))
	if scheme == "https" {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// newTransport returns a transport with at most limit connections and without a proxy. It uses
// HTTP/1.1: HTTP/2 does not help with a few batches in flight, and takes longer to notice a dead
// connection.
func newTransport(dialer *net.Dialer, limit int) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxConnsPerHost:        limit,
		MaxIdleConnsPerHost:    limit,
		MaxResponseHeaderBytes: maxAnswerHead,
		DisableCompression:     true,
	}
}

// newSingleClient returns a client that makes one request per call, follows no redirects and keeps
// no cookies.
func newSingleClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     bounded{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newClient returns a client that makes up to 1+attemptRetries requests per call, follows no
// redirects and logs nothing.
//
// While failing is set it makes one request per call. Quick repetitions help if the server was
// there a moment ago. When a server comes back after an outage they would multiply the load: its
// clients spread out only if each waits for its whole back-off.
func newClient(t http.RoundTripper, failing *atomic.Bool) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: newSingleClient(t),
		RetryMax:   attemptRetries,
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			if failing.Load() {
				return false, nil
			}
			return checkRetry(ctx, resp, err)
		},
		Backoff:      retryWait,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// checkRetry repeats a request within its attempt only if its kind is Retry. It does not repeat a
// throttled one: the server may ask for more time than the attempt has, and the caller can wait
// without keeping a connection.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	a := answerOf(resp, err)
	return a.kind() == Retry && ctx.Err() == nil, nil
}

// retryWait returns the wait between the requests of one attempt.
func retryWait(_, _ time.Duration, attempt int, _ *http.Response) time.Duration {
	return Backoff(attempt, 0, rand.Float64)
}
