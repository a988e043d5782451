package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
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

	maxAnswer     = 64 << 10 // bytes of an answer's body that are read
	maxAnswerHead = 64 << 10 // bytes of its headers
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

// bounded reads each answer, up to maxAnswer bytes, before it hands it on. So the whole
// answer is known when it is judged, and its connection is free for the next request.
type bounded struct{ http.RoundTripper }

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper. A panic of the user's transport must not
// end the process; what it panicked with can hold anything, and is not repeated.
func (b bounded) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, errPanicked
		}
		if (errors.Is(err, errPanicked) || errors.Is(err, errNoAnswer)) && req.Body != nil {
			req.Body.Close() // Send waits for that
		}
	}()
	resp, err = b.RoundTripper.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errNoAnswer
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	// http.Client parses this header even where it is told not to follow it, and would
	// replace the answer by an error if it cannot.
	resp.Header.Del("Location")

	read := &readBody{Reader: new(bytes.Reader)}
	// A connection that switched protocols has no body that ends.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		read.bytes, read.err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		read.Reader.Reset(read.bytes)
	}
	resp.Body = read
	return resp, nil
}

// What becomes of a RoundTripper that does not keep its contract.
var (
	errNoAnswer = errors.New("transport: the RoundTripper returned neither an answer nor an error")
	errPanicked = errors.New("transport: the RoundTripper panicked")
)

// readBody is the body of an answer that was read already.
type readBody struct {
	*bytes.Reader
	bytes []byte
	err   error // why the bytes are not all of it
}

// Close implements io.Closer.
func (*readBody) Close() error { return nil }

// answer is what came of a request, in the terms of Classify.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// kind is what to do about the answer.
func (a answer) kind() Kind { return Classify(a.status, a.header, a.body, a.err) }

// answerOf takes apart what the client returned. Every body is a *readBody, because
// every answer came through bounded.
func answerOf(resp *http.Response, err error) answer {
	if resp == nil {
		return answer{err: err}
	}
	read := resp.Body.(*readBody)
	return answer{status: resp.StatusCode, header: resp.Header, body: read.bytes, err: read.err}
}
