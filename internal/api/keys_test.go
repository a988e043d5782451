package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// What is stored under such a key, nobody could read: no repository has it.
func TestUploadsOutsideRepositoriesAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	sign := func(query url.Values) (int, string) {
		query.Set("mimeType", "text/plain")
		query.Set("size", "1")
		return s.do("GET", "/api/sdk/v1/log-repositories/attachments/upload-url?"+query.Encode(), nil)
	}
	for _, key := range []string{"file", "/file", "/", "repo", "../file", "./file", "../../etc/passwd", strings.Repeat("r", 257) + "/file"} {
		status, text := sign(url.Values{"key": {key}})
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
	status, text := sign(url.Values{"key": {"other/file"}, "id": {"repo"}})
	s.wantError(status, text, http.StatusBadRequest, "bad_request")
	for _, key := range []string{"repo/file", "repo/large-logs/x", "a b/ü", "repo/../file"} {
		if status, text := sign(url.Values{"key": {key}}); status != http.StatusOK {
			t.Errorf("key %q: status %d: %s", key, status, text)
		}
	}
}

func TestKeysThatNoClientCouldSendAreRefused(t *testing.T) {
	for _, key := range []string{" ", "\t", "a b", "key\n", "\x00", "ключ", "\u00a0", "a\x7f"} {
		c, err := collector.New(collector.Config{Dir: t.TempDir(), APIKey: key})
		if c != nil {
			c.Close(context.Background())
		}
		var bad *collector.ConfigError
		if !errors.As(err, &bad) || bad.Field != "APIKey" {
			t.Errorf("New with the key %q: %v", key, err)
		}
	}
}

// lockedBuffer is a buffer that a logger may write to while a test reads.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Clients go away every day: that is no error of the collector's.
func TestAClientThatGoesAwayIsNoError(t *testing.T) {
	var log lockedBuffer
	s := start(t, collector.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s.post("r", "trace{id=t,action=create,data={}}")
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, request := range []struct{ method, path, body string }{
		{"POST", "/api/sdk/v3/log?id=r", "trace{id=t2,action=create,data={}}"},
		{"POST", "/v1/traces?id=r", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"x"}]}]}]}`},
		{"GET", "/api/v1/repositories", ""},
		{"GET", "/api/v1/repositories/r/traces", ""},
		{"GET", "/api/v1/repositories/r/traces/t", ""},
		{"GET", "/api/v1/repositories/r/search?q=x", ""},
		{"GET", "/api/v1/repositories/r/lines", ""},
		{"GET", "/", ""},
		{"GET", "/traces", ""},
		{"GET", "/trace/t", ""},
		{"GET", "/search?q=x", ""},
	} {
		r := httptest.NewRequestWithContext(gone, request.method, "http://localhost"+request.path, strings.NewReader(request.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: status %d", request.method, request.path, w.Code)
		}
		io.Copy(io.Discard, w.Body)
	}
	if log.String() != "" {
		t.Errorf("the log says:\n%s", log.String())
	}
}
