package delivery

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/transport"
)

// storage hands out URLs that are good for one PUT, and fails at some of them.
type storage struct {
	lines *server

	mu   sync.Mutex
	urls int            // guarded by mu
	used map[string]int // guarded by mu; PUTs by URL
	key  map[string]string
}

// ServeHTTP implements http.Handler.
func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPut:
		s.put(w, r)
	case strings.HasSuffix(r.URL.Path, "upload-url"):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.urls++
		path := fmt.Sprintf("/put/%d", s.urls)
		s.key[path] = r.URL.Query().Get("key")
		fmt.Fprintf(w, `{"data":{"url":"http://%s%s"}}`, r.Host, path)
	default:
		s.lines.ServeHTTP(w, r)
	}
}

func (s *storage) put(w http.ResponseWriter, r *http.Request) {
	all, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.used[r.URL.Path]++
	again, key := s.used[r.URL.Path] > 1, s.key[r.URL.Path]
	s.mu.Unlock()
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	s.lines.attempts[key]++
	switch n := s.lines.attempts[key]; {
	case again:
		s.lines.problems = append(s.lines.problems, "a URL was used twice")
		w.WriteHeader(http.StatusForbidden)
	case n == 1 && strings.HasSuffix(key, "1"):
		w.WriteHeader(http.StatusForbidden) // expired
	case n == 1 && strings.HasSuffix(key, "2"):
		w.WriteHeader(http.StatusInternalServerError)
	default:
		s.lines.files[key] = string(all)
	}
}

func TestUploadsOverRealHTTP(t *testing.T) { // R20, short
	s := &storage{lines: newServer(), used: map[string]int{}, key: map[string]string{}}
	web := httptest.NewServer(s)
	defer web.Close()
	h, err := transport.New(transport.Config{BaseURL: web.URL, RepositoryID: repository})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := open(t, s.lines, t.TempDir(), Config{Age: time.Millisecond, Backend: h})
	want := map[string]string{}
	for i := range 12 {
		content := strings.Repeat("c", 1000*i)
		r.attach(blobName(i), content)
		want["repo/files/"+blobName(i)] = content
	}
	r.log(largeOf("x"))
	r.flush()
	large := largeOf("x")
	for key, content := range s.lines.files {
		if strings.Contains(key, "large-logs") && content == large {
			delete(s.lines.files, key)
			large = ""
		}
	}
	if diff := cmp.Diff(want, s.lines.files); diff != "" || large != "" {
		t.Errorf("large line found: %t, other files: %s", large == "", diff)
	}
	if a := r.Counters(); a.Delivered != 13 || a.Dead != 0 {
		t.Errorf("%+v", a)
	}
	r.close()
}
