package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/fold"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		serveUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// server is a collector behind a real HTTP server.
type server struct {
	*testing.T
	*collector.Collector
	url string
	key string
}

func start(t *testing.T, cfg collector.Config) *server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(t.TempDir(), "data") // which the collector makes for itself alone
	}
	c, err := collector.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(c)
	t.Cleanup(func() {
		h.Close()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &server{t, c, h.URL, cfg.APIKey}
}

// do sends a request and returns the status and the body of the answer.
func (s *server) do(method, path string, body io.Reader, headers ...string) (int, string) {
	s.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = s.url + path
	}
	r, err := http.NewRequestWithContext(s.Context(), method, target, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("x-maxim-api-key", s.key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// post sends lines to a repository and returns what became of them.
func (s *server) post(repo, body string, headers ...string) collector.Ingested {
	s.Helper()
	status, text := s.do("POST", "/api/sdk/v3/log?id="+url.QueryEscape(repo), strings.NewReader(body), headers...)
	if status != http.StatusOK {
		s.Fatalf("status %d: %s", status, text)
	}
	var answer struct{ Data collector.Ingested }
	s.decode(text, &answer)
	return answer.Data
}

// get reads JSON.
func (s *server) get(path string, into any) {
	s.Helper()
	status, text := s.do("GET", path, nil)
	if status != http.StatusOK {
		s.Fatalf("GET %s: status %d: %s", path, status, text)
	}
	s.decode(text, into)
}

func (s *server) decode(text string, into any) {
	s.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		s.Fatalf("%v in %s", err, text)
	}
}

// lines returns the exact lines of a repository.
func (s *server) lines(repo string) []string {
	s.Helper()
	status, text := s.do("GET", "/api/v1/repositories/"+url.PathEscape(repo)+"/lines?limit=100000", nil)
	if status != http.StatusOK {
		s.Fatalf("status %d: %s", status, text)
	}
	var lines []string
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		var l collector.StoredLine
		if err := decoder.Decode(&l); err == io.EOF {
			return lines
		} else if err != nil {
			s.Fatal(err)
		}
		if l.Seq != uint64(len(lines)+1) {
			s.Fatalf("line %d has number %d", len(lines)+1, l.Seq)
		}
		if l.LineBase64 != nil {
			l.Line = string(l.LineBase64)
		}
		lines = append(lines, l.Line)
	}
}

// wantError checks that an answer is an error with a code.
func (s *server) wantError(status int, text string, wantStatus int, wantCode string) {
	s.Helper()
	var answer struct{ Error collector.Error }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.Fatalf("status %d: %v in %s", status, err, text)
	}
	if status != wantStatus || answer.Error.Code != wantCode || answer.Error.Message == "" {
		s.Errorf("status %d, %+v; want status %d, code %s", status, answer.Error, wantStatus, wantCode)
	}
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(fold.Node{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
