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
	attemptBudget  = 30 * time.Second // for all its requests together
	attemptRetries = 2                // requests after the first

	dialTimeout      = 5 * time.Second
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 20 * time.Second // from the end of the request to the answer's head
	idleTimeout      = time.Minute
	connections      = 3 // beside those for batches

	maxAnswerHead = 64 << 10 // bytes of an answer's headers
)

// newServerTransport returns the connections to the server. A proxy named by the
// environment is used only for https, where it cannot see the key.
func newServerTransport(scheme string, inFlight int) *http.Transport {
	t := newTransport(&net.Dialer{Timeout: dialTimeout}, connections+max(inFlight, 1))
	if scheme == "https" {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// newTransport returns connections without a proxy, so many at most. They speak
// HTTP/1.1: a sender with few batches in flight gains nothing from HTTP/2, whose dead
// connections take longer to notice.
func newTransport(dialer *net.Dialer, most int) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxConnsPerHost:        most,
		MaxIdleConnsPerHost:    most,
		MaxResponseHeaderBytes: maxAnswerHead,
		DisableCompression:     true,
	}
}

// newSingleClient returns a client that makes one request, follows no redirect and
// keeps no cookies.
func newSingleClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     bounded{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newClient returns a client that makes up to 1+attemptRetries requests, follows no
// redirect and logs nothing.
//
// While failing is set it makes one request: clients that all fail come back one by one
// only if each waits its whole back-off, and quick repetitions are for a server that was
// there a moment ago.
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

// checkRetry repeats a request within its attempt for the kind Retry only. A server
// that throttles is left alone: the time it asks for may be longer than the attempt,
// and the caller can wait for it without holding a connection.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	a := answerOf(resp, err)
	return a.kind() == Retry && ctx.Err() == nil, nil
}

// retryWait is the wait between the requests of one attempt.
func retryWait(_, _ time.Duration, attempt int, _ *http.Response) time.Duration {
	return Backoff(attempt, 0, rand.Float64)
}
