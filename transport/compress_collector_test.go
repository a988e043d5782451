package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/collector"
)

// collecting starts a collector behind a proxy that may change requests, and notes the
// content codings that the clients chose.
func collecting(t *testing.T, change func(*http.Request)) (base string, codings *[]string) {
	t.Helper()
	c, err := collector.Start(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	target, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: connections, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		change(r.Out)
	}}
	var notes []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			notes = append(notes, r.Header.Get("Content-Encoding"))
		}
		proxy.ServeHTTP(w, r)
	})
	return s.URL, &notes
}

// turnLines returns n numbered batches of lines.
func turnLines(n int) (batches []Batch, lines []string) {
	for i := range n {
		var own []string
		for j := range 50 {
			own = append(own, fmt.Sprintf(`trace{id=t%d-%d,action=create,data={"name":"a turn","input":"%s"}}`, i, j, strings.Repeat("é word ", j)))
		}
		batches = append(batches, Batch{Body: []byte(strings.Join(own, "\n")), Lines: 50, Spool: strings.Repeat("0b", 16), First: uint64(i*50 + 1)})
		lines = append(lines, own...)
	}
	return batches, lines
}

// storedLines returns what a collector holds of the repository.
func storedLines(t *testing.T, base string) (lines []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/repositories/repo/lines?limit=100000", nil)
	if err != nil {
		t.Fatal(err)
	}
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	answer, err := (&http.Client{Transport: connections}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for decoder := json.NewDecoder(answer.Body); ; {
		var l collector.StoredLine
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l.Line)
	}
}

func TestTheCollectorStoresTheSameLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		open   func(*testing.T, string) *HTTP
		change func(*http.Request)
		want   []string // content codings of the requests
	}{
		{"plain", open, func(*http.Request) {}, []string{"", "", ""}},
		{"compressed", openFar, func(*http.Request) {}, []string{"", "zstd", "zstd"}},
		{"behind a proxy that drops the header", openFar, func(r *http.Request) { r.Header.Del("Content-Encoding") }, []string{"", "zstd", "", ""}},
		{"behind a proxy that knows gzip only", openFar, func(r *http.Request) {
			if r.Header.Get("Content-Encoding") != "" {
				r.Header.Set("Content-Encoding", "gzip")
			}
		}, []string{"", "zstd", "", ""}},
		{"behind a proxy that has the collector answer 415", openFar, func(r *http.Request) {
			if r.Header.Get("Content-Encoding") != "" {
				r.Header.Set("Content-Encoding", "x-zstd")
			}
		}, []string{"", "zstd", "", ""}},
		{"behind a proxy that changes a byte", openFar, func(r *http.Request) {
			if r.Header.Get("Content-Encoding") != "" {
				r.Body = &flipped{ReadCloser: r.Body, at: 100}
			}
		}, []string{"", "zstd", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, codings := collecting(t, c.change)
			h := c.open(t, base)
			batches, lines := turnLines(3)
			for _, b := range batches {
				if err := h.Send(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, *codings); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(lines, storedLines(t, base)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// flipped is a body of which one bit is changed on the way.
type flipped struct {
	io.ReadCloser
	at int // bytes before it that are still to come
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if f.at >= 0 && f.at < n {
		p[f.at] ^= 1
	}
	f.at -= n
	return n, err
}
