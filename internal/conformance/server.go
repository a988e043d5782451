package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/troupelog/troupe/internal/wire"
)

// Server is the log server of the protocol, as far as a logger notices: it takes
// lines and keeps them. Its methods may be called concurrently.
type Server struct {
	http *httptest.Server

	mu    sync.Mutex
	lines []Line // guarded by mu
	err   error  // guarded by mu; the first fault of a request
}

// NewServer starts a server on a loopback address. Close it.
func NewServer() *Server {
	s := &Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/sdk/v3/log", s.log)
	mux.HandleFunc("GET /api/sdk/v3/log-repositories", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{}}`)
	})
	mux.HandleFunc("GET /api/sdk/v1/log-repositories/attachments/upload-url", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"data":{"url":"%s/upload"}}`, s.URL())
	})
	mux.HandleFunc("PUT /upload", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that disconnects reports its own error
	})
	s.http = httptest.NewServer(mux)
	return s
}

// Close stops the server.
func (s *Server) Close() { s.http.Close() }

// URL is where the server listens.
func (s *Server) URL() string { return s.http.URL }

func (s *Server) log(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.keep(string(body), r.URL.Query().Get("id"))
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err == nil {
			s.err = err
		}
	}
	fmt.Fprint(w, `{"data":{}}`)
}

func (s *Server) keep(body, repository string) error {
	for text := range strings.SplitSeq(body, "\n") {
		parsed, err := wire.Parse([]byte(text))
		if err != nil {
			return fmt.Errorf("a line that was sent: %w", err)
		}
		line := Line{Entity: parsed.Entity, ID: parsed.ID, Action: parsed.Action, Repository: repository}
		if err := json.Unmarshal(parsed.Data, &line.Data); err != nil {
			return fmt.Errorf("the data of a line that was sent: %w", err)
		}
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
	}
	return nil
}

// take returns the lines that came since the last call.
func (s *Server) take() ([]Line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, err := s.lines, s.err
	s.lines, s.err = nil, nil
	return lines, err
}
