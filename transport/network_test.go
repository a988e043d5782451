package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// raw starts a server that hands each connection, with its request read, to handle.
func raw(t *testing.T, handle func(*net.TCPConn)) *server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		handle(conn.(*net.TCPConn))
	})
}

// saying returns a handler for raw that writes an answer as it is.
func saying(answer string) func(*net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = io.WriteString(c, answer) }
}

func TestConnectionReset(t *testing.T) {
	s := raw(t, func(c *net.TCPConn) { _ = c.SetLinger(0) })
	err := open(t, s.URL).Send(t.Context(), batch())
	e := failure(t, err, Retry)
	if e.Status != 0 || !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if n := s.requests.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestConnectionRefused(t *testing.T) {
	s := serve(t, answering(200, "{}"))
	h := open(t, s.URL)
	s.Close()
	err := h.Send(t.Context(), batch())
	failure(t, err, Retry)
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         Kind
		status       int
		requests     int64
	}{
		{"nothing", "", Retry, 0, 3},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Le", Retry, 0, 3},
		{"no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", Retry, 0, 3},
		{"no status", "HTTP/1.1 abc OK\r\n\r\n", Retry, 0, 3},
		{"half a body of 200", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":", Retry, 200, 3},
		{"half a body of an error in 200", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"error\":", Rejected, 200, 1},
		{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", Retry, 200, 3},
		{"half a body of 400", "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nbad", Rejected, 400, 1},
		{"half a body of 401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n", Misconfigured, 401, 1},
		{"half a body of 500", "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n", Retry, 500, 3},
		{"status 999", "HTTP/1.1 999 Odd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", Retry, 999, 3},
		{"huge head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", Retry, 0, 3},
		{"body to the end", "HTTP/1.0 200 OK\r\n\r\n{}", OK, 200, 1},
		{"hints before", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", OK, 200, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := raw(t, saying(c.answer))
			err := open(t, s.URL).Send(t.Context(), batch())
			if c.want == OK {
				if err != nil {
					t.Fatal(err)
				}
			} else if e := failure(t, err, c.want); e.Status != c.status {
				t.Errorf("got status %d, want %d: %v", e.Status, c.status, err)
			}
			if n := s.requests.Load(); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestSwitchedProtocolDoesNotHang(t *testing.T) {
	s := raw(t, func(c *net.TCPConn) {
		saying("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")(c)
		_, _ = c.Read(make([]byte, 1)) // until the client closes
	})
	if e := failure(t, open(t, s.URL).Send(t.Context(), batch()), Misconfigured); e.Status != 101 {
		t.Errorf("got %v", e)
	}
}

// hang starts a server that answers nothing until the client gives up. It calls
// arrived with each request.
func hang(t *testing.T, arrived func()) *server {
	t.Helper()
	return serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived()
		<-r.Context().Done()
	})
}

func TestCallerCancels(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := hang(t, cancel)
	err := open(t, s.URL).Send(ctx, batch())
	failure(t, err, Canceled)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestCallersDeadlineIsNoFailureOfTheNetwork(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s := hang(t, func() {})
	err := open(t, s.URL).Send(ctx, batch())
	failure(t, err, Canceled)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCallerCancelsWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := serve(t, answering(500, ""))
	h := open(t, s.URL)
	h.client.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
		cancel()
		return time.Hour
	}
	failure(t, h.Send(ctx, batch()), Canceled)
}

func TestHangEndsWithTheBudget(t *testing.T) {
	s := hang(t, func() {})
	h := open(t, s.URL)
	h.budget = 20 * time.Millisecond
	err := h.Send(t.Context(), batch())
	failure(t, err, Retry)
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	failure(t, h.Repository(t.Context()), Retry)
}

func TestHangWithinBodyEndsWithTheBudget(t *testing.T) {
	s := raw(t, func(c *net.TCPConn) {
		saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")(c)
		_, _ = c.Read(make([]byte, 1)) // until the client closes
	})
	h := open(t, s.URL)
	h.budget = 20 * time.Millisecond
	failure(t, h.Send(t.Context(), batch()), Retry)
}

func TestSlowHeadIsRetried(t *testing.T) {
	s := hang(t, func() {})
	h := open(t, s.URL)
	h.client.HTTPClient.Transport.(bounded).RoundTripper.(*http.Transport).ResponseHeaderTimeout = time.Millisecond
	err := h.Send(t.Context(), batch())
	failure(t, err, Retry)
	if n := s.connections.Load(); n != 3 {
		t.Errorf("%d connections, want 3: %v", n, err)
	}
}

func TestTLS(t *testing.T) {
	var count server
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.requests.Add(1)
		answering(200, "{}")(w, r)
	}))
	silence(s)
	s.StartTLS()
	defer s.Close()

	h := open(t, s.URL)
	dials := countDials(h)
	for _, call := range []func(context.Context) error{h.Repository, func(ctx context.Context) error { return h.Send(ctx, batch()) }} {
		*dials = 0
		err := call(t.Context())
		if e := failure(t, err, Misconfigured); e.Status != 0 || !errors.Is(err, ErrUnreachable) {
			t.Errorf("unknown authority: got %v", err)
		}
		if *dials != 1 {
			t.Errorf("unknown authority: %d connections, want 1", *dials)
		}
	}
	if n := count.requests.Load(); n != 0 {
		t.Errorf("a server that cannot be trusted got %d requests", n)
	}

	trusting := open(t, s.URL)
	trust(trusting, s)
	if err := trusting.Send(t.Context(), batch()); err != nil {
		t.Error(err)
	}

	misnamed := open(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1))
	trust(misnamed, s)
	failure(t, misnamed.Send(t.Context(), batch()), Misconfigured)
}

func TestOldTLSIsRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(answering(200, "{}"))
	silence(s)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	s.StartTLS()
	defer s.Close()
	h := open(t, s.URL)
	trust(h, s)
	if err := h.Send(t.Context(), batch()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestTLSToPlainServer(t *testing.T) {
	s := serve(t, answering(200, "{}"))
	h := open(t, strings.Replace(s.URL, "http://", "https://", 1))
	failure(t, h.Send(t.Context(), batch()), Misconfigured)
	if n := s.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestPlainToTLSServer(t *testing.T) {
	s := httptest.NewUnstartedServer(answering(200, "{}"))
	silence(s)
	s.StartTLS()
	defer s.Close()
	h := open(t, strings.Replace(s.URL, "https://", "http://", 1))
	if e := failure(t, h.Send(t.Context(), batch()), Rejected); e.Status != 400 {
		t.Errorf("got %v", e)
	}
}

// trust makes h accept the certificate of s.
func trust(h *HTTP, s *httptest.Server) {
	trustIn(h.client.HTTPClient.Transport.(bounded).RoundTripper.(*http.Transport), s)
}

// trustIn makes t accept the certificate of s.
func trustIn(t *http.Transport, s *httptest.Server) {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	t.TLSClientConfig.RootCAs = pool
}

// countDials counts the connections h opens.
func countDials(h *HTTP) *int {
	n := new(int)
	t := h.client.HTTPClient.Transport.(bounded).RoundTripper.(*http.Transport)
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		*n++
		return dial(ctx, network, addr)
	}
	return n
}

// The server closes each connection after its answer without announcing it.
func TestServerClosesIdleConnections(t *testing.T) {
	s := raw(t, saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
	h := open(t, s.URL)
	for range 20 {
		if err := h.Send(t.Context(), batch()); err != nil {
			t.Fatal(err)
		}
	}
}
