package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// openFar returns a sender that treats a server on this machine as one elsewhere.
func openFar(t *testing.T, base string) *HTTP {
	t.Helper()
	h := open(t, base)
	h.compression.pointless = false
	return h
}

// far returns a sender that has learnt that its server takes zstd.
func far(t *testing.T, base string) *HTTP {
	t.Helper()
	h := openFar(t, base)
	h.compression.learn(http.Header{"Accept-Encoding": {"zstd"}})
	return h
}

// longBatch returns a batch that is worth compressing.
func longBatch() Batch {
	return Batch{Body: bytes.Repeat([]byte(canaryBody+"\n"), 100), Lines: 100, Spool: strings.Repeat("0a", 16), First: 7}
}

// decompressed returns what a body of a content coding holds.
func decompressed(t *testing.T, coding, body string) string {
	t.Helper()
	if coding == "" {
		return body
	}
	if coding != codingZstd {
		t.Fatalf("the content coding is %q", coding)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	plain, err := decoder.DecodeAll([]byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// codings is a handler that notes the content codings of its requests, and answers each
// with the next of some statuses, and the last one from then on. All answers offer zstd.
// It must not be called concurrently.
type codings struct {
	t        *testing.T
	statuses []int
	got      []string
	bodies   []string
}

func (c *codings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	c.got = append(c.got, r.Header.Get("Content-Encoding"))
	c.bodies = append(c.bodies, string(body))
	w.Header().Set("Accept-Encoding", "zstd, gzip")
	status := c.statuses[min(len(c.got), len(c.statuses))-1]
	w.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = io.WriteString(w, "{}")
	}
}

func TestCompressedRequest(t *testing.T) {
	var notes []seen
	s := serve(t, noting(&notes))
	h, b := far(t, s.URL), longBatch()
	if err := h.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	got := notes[0]
	if len(got.Body) >= len(b.Body)/2 {
		t.Errorf("%d bytes were compressed to %d", len(b.Body), len(got.Body))
	}
	want := seen{
		Method: "POST", Path: "/api/sdk/v3/log", Query: got.Query, Length: int64(len(got.Body)), Body: string(b.Body),
		Header: http.Header{
			"Content-Encoding": {"zstd"},
			"Content-Length":   {fmt.Sprint(len(got.Body))},
			"Content-Type":     {"text/plain; charset=utf-8"},
			"User-Agent":       {"troupe"},
			"X-Maxim-Api-Key":  {canaryKey},
			"X-Troupe-Seq":     {"7"},
			"X-Troupe-Spool":   {b.Spool},
		},
	}
	got.Body = decompressed(t, "zstd", got.Body)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSmallBodiesAreNotCompressed(t *testing.T) {
	server := &codings{t: t, statuses: []int{200}}
	s := serve(t, server.ServeHTTP)
	h := far(t, s.URL)
	for _, n := range []int{1, 1023, 1024, 1025} {
		if err := h.Send(t.Context(), Batch{Body: bytes.Repeat([]byte("x"), n), Lines: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"", "", "zstd", "zstd"}, server.got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyAnAnswerThatTookABatchTeachesCompression(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		learnt bool
	}{
		{200, "{}", true}, {201, "{}", true}, {200, "", false}, {204, "", false},
		{200, `{"error":{"message":"full"}}`, false},
		{301, "", false}, {400, "", false}, {401, "", false}, {404, "", false}, {413, "", false}, {415, "", false}, {429, "", false},
		{500, "", false}, {503, "", false},
	} {
		var coding string
		status, body := c.status, c.body
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			coding = r.Header.Get("Content-Encoding")
			answering(status, body, "Accept-Encoding", "zstd, gzip")(w, r)
		})
		h := openFar(t, s.URL)
		_ = h.Send(t.Context(), longBatch()) // its outcome is what other tests check
		if coding != "" {
			t.Errorf("%d: the first body was sent in %q", c.status, coding)
		}
		status, body = 200, "{}"
		if err := h.Send(t.Context(), longBatch()); err != nil {
			t.Fatal(err)
		}
		if learnt := coding == "zstd"; learnt != c.learnt {
			t.Errorf("%d %s: compressed afterwards: %t", c.status, c.body, learnt)
		}
	}
}

func TestTheRepositoryCheckTeachesNothing(t *testing.T) {
	server := &codings{t: t, statuses: []int{200}}
	h := openFar(t, serve(t, server.ServeHTTP).URL)
	if err := h.Repository(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Send(t.Context(), longBatch()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", ""}, server.got); diff != "" {
		t.Error(diff)
	}
}

func TestAcceptEncodingIsRead(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   bool
	}{
		{nil, false}, {[]string{""}, false}, {[]string{"gzip"}, false}, {[]string{"*"}, false}, {[]string{"zstdx"}, false}, {[]string{"identity, xzstd"}, false},
		{[]string{"zstd"}, true}, {[]string{"zstd, gzip"}, true}, {[]string{"gzip,\tZSTD "}, true}, {[]string{"gzip", "zstd"}, true},
		{[]string{"gzip;q=1, zstd ; Q=0.5"}, true}, {[]string{"zstd;"}, true},
		{[]string{"zstd;q=0"}, false}, {[]string{"zstd; q=0.000, gzip"}, false}, {[]string{"zstd;q="}, false}, {[]string{"zstd;v=1"}, false}, {[]string{",,;"}, false},
	} {
		if got := accepts(http.Header{"Accept-Encoding": c.values}, "zstd"); got != c.want {
			t.Errorf("%q: got %t", c.values, got)
		}
	}
}

func TestNothingIsCompressedForThisMachine(t *testing.T) {
	for base, want := range map[string]string{
		"http://localhost:7070": "", "http://127.0.0.1": "", "https://127.1.2.3": "", "http://[::1]:7070": "",
		"https://logs.example.com": "zstd", "https://10.0.0.5": "zstd",
	} {
		server := &codings{t: t, statuses: []int{200}}
		h, err := New(Config{BaseURL: base, RepositoryID: "repo", APIKey: canaryKey, RoundTripper: roundTrips(func(r *http.Request) (*http.Response, error) {
			defer r.Body.Close()
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, r)
			return answer.Result(), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		for range 2 {
			if err := h.Send(t.Context(), longBatch()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"", want}, server.got); diff != "" {
			t.Errorf("%s: %s", base, diff)
		}
	}
}

func TestRetriesSendTheSameCompressedBody(t *testing.T) {
	server := &codings{t: t, statuses: []int{500, 408, 200}}
	h, b := far(t, serve(t, server.ServeHTTP).URL), longBatch()
	if err := h.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"zstd", "zstd", "zstd"}, server.got); diff != "" {
		t.Error(diff)
	}
	for i, body := range server.bodies {
		if body != server.bodies[0] || decompressed(t, "zstd", body) != string(b.Body) {
			t.Errorf("request %d has another body", i)
		}
	}
}

// After a refusal of the compressed body, the answer to the plain one counts.
func TestARefusedCompressedBodyIsSentPlain(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		want     Kind
		got      []string // of the first Send
		again    string   // the coding of the next
	}{
		{"not supported", []int{415, 200}, OK, []string{"zstd", ""}, ""},
		{"not supported, later", []int{500, 415, 200}, OK, []string{"zstd", "zstd", ""}, ""},
		{"not supported, and refused", []int{415, 400, 200}, Rejected, []string{"zstd", ""}, ""},
		{"not supported, and failing", []int{415, 503, 503, 503, 200}, Retry, []string{"zstd", "", "", ""}, ""},
		{"taken for bad lines", []int{400, 200}, OK, []string{"zstd", ""}, ""},
		{"bad lines", []int{400, 400, 200}, Rejected, []string{"zstd", ""}, "zstd"},
		{"unprocessable", []int{422, 200}, OK, []string{"zstd", ""}, ""},
		{"bad, then too large", []int{400, 413, 200}, TooLarge, []string{"zstd", ""}, "zstd"},
		{"bad, then throttled", []int{400, 429, 200}, Throttled, []string{"zstd", ""}, "zstd"},
		{"too large", []int{413, 200}, TooLarge, []string{"zstd"}, "zstd"},
		{"wrong key", []int{401, 200}, Misconfigured, []string{"zstd"}, "zstd"},
		{"failing", []int{500, 500, 500, 200}, Retry, []string{"zstd", "zstd", "zstd"}, "zstd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &codings{t: t, statuses: c.statuses}
			h, b := far(t, serve(t, server.ServeHTTP).URL), longBatch()
			err := h.Send(t.Context(), b)
			if c.want != OK {
				failure(t, err, c.want)
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.got, server.got); diff != "" {
				t.Error(diff)
			}
			for range 2 { // the first of these answers offers zstd again
				if err := h.Send(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{c.again, c.again}, server.got[len(c.got):]); diff != "" {
				t.Error(diff)
			}
			for i, body := range server.bodies {
				if decompressed(t, server.got[i], body) != string(b.Body) {
					t.Errorf("request %d has another body", i)
				}
			}
		})
	}
}

// A server quotes the body in both forms.
func TestAQuotedCompressedBodyIsNotShown(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		fmt.Fprintf(w, "%s %s", body, decompressed(t, r.Header.Get("Content-Encoding"), string(body)))
	})
	e := failure(t, far(t, s.URL).Send(t.Context(), longBatch()), TooLarge)
	if e.Message != withheld {
		t.Errorf("got the message %q", e.Message)
	}
}

func TestCompressedSendsAtOneTime(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		plain := decompressed(t, r.Header.Get("Content-Encoding"), string(body))
		mu.Lock()
		defer mu.Unlock()
		got[plain]++
		if got[plain] == 1 { // so that the same memory is read again
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, "{}")
	})
	h := far(t, s.URL)
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			b := Batch{Body: bytes.Repeat(fmt.Appendf(nil, "line %d\n", i), 1000*(1+i%4)), Lines: 1}
			for {
				err := h.Send(t.Context(), b)
				var e *Error
				if errors.As(err, &e) && e.Kind == Retry {
					continue // another Send found the server failing, so this one did not repeat
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	group.Wait()
	if len(got) != 32 {
		t.Errorf("%d different batches arrived, want 32", len(got))
	}
	for plain, n := range got {
		if n != 2 {
			t.Errorf("a batch of %d bytes arrived %d times, want 2", len(plain), n)
		}
	}
}
