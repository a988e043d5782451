package transport

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	canaryKey  = "canary-key-5f1d0c9b7a"
	canaryBody = "canary-prompt: my passport number is C01X00T47"
)

// open returns a sender to the server at base that does not wait between requests.
func open(t *testing.T, base string) *HTTP {
	t.Helper()
	h, err := New(Config{BaseURL: base, RepositoryID: "repo", APIKey: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	h.client.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }
	t.Cleanup(h.Close)
	return h
}

// serve starts a server that counts its requests and connections.
func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

type server struct {
	*httptest.Server
	requests, connections atomic.Int64
}

// answering returns a handler that reads the request and answers with a fixed answer.
func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func batch() Batch { return Batch{Body: []byte(canaryBody), Lines: 1} }

// failure returns err as an *Error of the given kind.
func failure(t *testing.T, err error, want Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error of kind %v", err, want)
	}
	if e.Kind != want {
		t.Fatalf("got kind %v, want %v: %v", e.Kind, want, err)
	}
	return e
}
