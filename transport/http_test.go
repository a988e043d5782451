package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/protocol"
)

// seen is what a server notes of a request.
type seen struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Length       int64
	Encoding     []string
	Body         string
}

// noting returns a handler that notes its requests and answers 200. The notes may be
// read when the request has been answered.
func noting(notes *[]seen) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*notes = append(*notes, seen{r.Method, r.URL.Path, r.URL.Query(), r.Header, r.ContentLength, r.TransferEncoding, string(body)})
		_, _ = io.WriteString(w, `{"data":{}}`)
	}
}

func TestSendRequest(t *testing.T) {
	var notes []seen
	s := serve(t, noting(&notes))
	h, err := New(Config{BaseURL: s.URL + "/base/", RepositoryID: "my repo&id=x/é#", APIKey: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	spool := strings.Repeat("0a", 16)
	if err := h.Send(t.Context(), Batch{Body: []byte("a\nb"), Lines: 2, Spool: spool, First: 1<<64 - 1}); err != nil {
		t.Fatal(err)
	}
	want := []seen{{
		Method: "POST",
		Path:   "/base/api/sdk/v3/log",
		Query:  url.Values{"id": {"my repo&id=x/é#"}},
		Header: http.Header{
			"Content-Length":  {"3"},
			"Content-Type":    {"text/plain; charset=utf-8"},
			"User-Agent":      {"troupe"},
			"X-Maxim-Api-Key": {canaryKey},
			"X-Troupe-Seq":    {"18446744073709551615"},
			"X-Troupe-Spool":  {spool},
		},
		Length: 3,
		Body:   "a\nb",
	}}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
}

func TestSendWithoutSpoolOrKey(t *testing.T) {
	var notes []seen
	s := serve(t, noting(&notes))
	h, err := New(Config{BaseURL: s.URL, RepositoryID: "repo"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Send(t.Context(), Batch{Body: []byte("a"), Lines: 1, First: 7}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{protocol.HeaderKey, protocol.HeaderProducer, protocol.HeaderSeq} {
		if values := notes[0].Header.Values(name); values != nil {
			t.Errorf("%s was sent: %q", name, values)
		}
	}
}

func TestEmptyBatchNeedsNoRequest(t *testing.T) {
	s := serve(t, answering(400, ""))
	if err := open(t, s.URL).Send(t.Context(), Batch{}); err != nil || s.requests.Load() != 0 {
		t.Errorf("%d requests, %v", s.requests.Load(), err)
	}
}

func TestSendStatusMatrix(t *testing.T) {
	for status := 200; status <= 599; status++ {
		want := statusKind(status)
		s := httptest.NewServer(answering(status, ""))
		err := open(t, s.URL).Send(t.Context(), batch())
		s.Close()
		if want == OK {
			if err != nil {
				t.Errorf("%d: %v", status, err)
			}
			continue
		}
		if e := failure(t, err, want); e.Status != status || e.Op != "send" {
			t.Errorf("%d: got status %d of %q", status, e.Status, e.Op)
		}
	}
}

func TestSendJudgesBodyOfSuccess(t *testing.T) {
	for _, body := range []string{`{}`, `{"data":{}}`, `{"error":null}`} {
		s := serve(t, answering(200, body))
		if err := open(t, s.URL).Send(t.Context(), batch()); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	s := serve(t, answering(200, `{"error":{"message":"repository is full"}}`))
	e := failure(t, open(t, s.URL).Send(t.Context(), batch()), Rejected)
	if e.Status != 200 || e.Message != "repository is full" {
		t.Errorf("got status %d, message %q", e.Status, e.Message)
	}
	if n := s.requests.Load(); n != 1 {
		t.Errorf("a rejected batch was sent %d times", n)
	}
}

func TestSendRetriesWithinAttempt(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  []int // one per request; the last is repeated
		want     Kind
		requests int64
	}{
		{"success", []int{200}, OK, 1},
		{"second try", []int{500, 200}, OK, 2},
		{"third try", []int{408, 425, 201}, OK, 3},
		{"no content", []int{204}, Misconfigured, 1},
		{"gives back after three", []int{503}, Retry, 3},
		{"last answer decides", []int{500, 502, 401}, Misconfigured, 3},
		{"throttled at once", []int{429}, Throttled, 1},
		{"throttled later", []int{500, 429}, Throttled, 2},
		{"rejected", []int{400}, Rejected, 1},
		{"too large", []int{413}, TooLarge, 1},
		{"misconfigured", []int{403}, Misconfigured, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var bodies []string
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(body))
				status := c.answers[min(len(bodies), len(c.answers))-1]
				w.WriteHeader(status)
				if status == 200 || status == 201 {
					_, _ = io.WriteString(w, "{}")
				}
			})
			err := open(t, s.URL).Send(t.Context(), batch())
			if c.want == OK {
				if err != nil {
					t.Fatal(err)
				}
			} else {
				failure(t, err, c.want)
			}
			if n := s.requests.Load(); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			for i, body := range bodies {
				if body != canaryBody {
					t.Errorf("request %d carried %q", i, body)
				}
			}
		})
	}
}

func TestNoRetryAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	again, err := checkRetry(ctx, nil, io.EOF)
	if !again || err != nil {
		t.Errorf("got %t, %v, want a retry", again, err)
	}
	cancel()
	// Without an error of its own, so that the one of the request is returned.
	again, err = checkRetry(ctx, nil, io.EOF)
	if again || err != nil {
		t.Errorf("after the end: got %t, %v", again, err)
	}
}

// After a failed attempt there is one request in each, until the server has answered.
func TestAFailingServerIsAskedOnceInAnAttempt(t *testing.T) {
	var healthy atomic.Bool
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if healthy.Load() {
			answering(200, "{}")(w, r)
		} else {
			answering(500, "")(w, r)
		}
	})
	h := open(t, s.URL)
	h.client.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 }
	for _, want := range []int64{3, 1, 1} {
		s.requests.Store(0)
		failure(t, h.Send(t.Context(), batch()), Retry)
		if got := s.requests.Load(); got != want {
			t.Errorf("%d requests in an attempt, want %d", got, want)
		}
	}
	healthy.Store(true)
	if err := h.Send(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}
	healthy.Store(false)
	s.requests.Store(0)
	failure(t, h.Send(t.Context(), batch()), Retry)
	if got := s.requests.Load(); got != 3 {
		t.Errorf("%d requests in the first attempt after a success, want 3", got)
	}
}

func TestSendWaitsBetweenRequests(t *testing.T) {
	s := serve(t, answering(500, ""))
	h := open(t, s.URL)
	var attempts []int
	h.client.Backoff = func(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
		attempts = append(attempts, attempt)
		if d := retryWait(0, 0, attempt, resp); d < minBackoff || d > time.Second<<attempt {
			t.Errorf("wait %d is %v", attempt, d)
		}
		return 0
	}
	failure(t, h.Send(t.Context(), batch()), Retry)
	if diff := cmp.Diff([]int{0, 1}, attempts); diff != "" {
		t.Error(diff)
	}
}

func TestSendReportsRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{429, "", 0},
		{429, "junk", 0},
		{429, "-5", 0},
		{429, "7", 7 * time.Second},
		{503, "7", 7 * time.Second},
		{429, "0", 250 * time.Millisecond},
		{429, "Fri, 31 Dec 1999 23:59:59 GMT", 250 * time.Millisecond},
		{503, "86400", 5 * time.Minute},
		{429, "10000000000000", 5 * time.Minute},
	} {
		s := serve(t, answering(c.status, "", "Retry-After", c.value))
		e := failure(t, open(t, s.URL).Send(t.Context(), batch()), Throttled)
		if e.RetryAfter != c.want {
			t.Errorf("%d with %q: got %v, want %v", c.status, c.value, e.RetryAfter, c.want)
		}
		if n := s.requests.Load(); n != 1 {
			t.Errorf("a throttling server got %d requests", n)
		}
	}
}

func TestConnectionIsReusedAfterErrors(t *testing.T) {
	long := `{"error":{"message":"x","detail":"` + strings.Repeat("d", 40<<10) + `"}}`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status := []int{400, 413, 429, 401, 302, 200}[r.ContentLength%6]
		answering(status, long)(w, r)
	})
	h := open(t, s.URL)
	for i := range 18 {
		if err := h.Send(t.Context(), Batch{Body: make([]byte, i+1), Lines: 1}); err == nil {
			t.Errorf("request %d was taken", i)
		}
	}
	if n := s.connections.Load(); n != 1 {
		t.Errorf("18 answers of 40 KiB took %d connections", n)
	}
}

func TestConnectionIsReusedBetweenRetries(t *testing.T) {
	s := serve(t, answering(500, strings.Repeat("d", 40<<10)))
	failure(t, open(t, s.URL).Send(t.Context(), batch()), Retry)
	if requests, connections := s.requests.Load(), s.connections.Load(); requests != 3 || connections != 1 {
		t.Errorf("%d requests took %d connections, want 3 and 1", requests, connections)
	}
}

func TestLargeAnswerIsReadInPart(t *testing.T) {
	// What lies behind the part that is read is not known: it is no delivery.
	s := serve(t, answering(200, `{"data":"`+strings.Repeat("d", 1<<20)+`","error":"x"}`))
	failure(t, open(t, s.URL).Send(t.Context(), batch()), Misconfigured)
	s = serve(t, answering(400, strings.Repeat("words ", 1<<18)))
	e := failure(t, open(t, s.URL).Send(t.Context(), batch()), Rejected)
	if len(e.Message) > maxMessage || !strings.HasPrefix(e.Message, "words words") {
		t.Errorf("got a message of %d bytes: %q", len(e.Message), e.Message)
	}
}

func TestAnswerIsBoundedInMemory(t *testing.T) {
	s := serve(t, answering(200, strings.Repeat("d", 1<<20)))
	a := answerOf(open(t, s.URL).client.HTTPClient.Get(s.URL))
	if a.err != nil || len(a.body) != maxAnswer {
		t.Errorf("read %d bytes, %v", len(a.body), a.err)
	}
	for lines, want := range map[int]int64{0: maxAnswer, 2000: maxAnswer + 2000*answerPerLine, 1 << 40: longestAnswer} {
		if got := limitOf(withLines(t.Context(), lines)); got != want {
			t.Errorf("an answer about %d lines is read up to %d bytes, want %d", lines, got, want)
		}
	}
}

// The server refuses a batch before it has read it; net/http still writes it then.
func TestBodyIsReleasedWhenSendReturns(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	h := open(t, s.URL)
	transport := h.client.HTTPClient.Transport.(bounded).RoundTripper.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &lateWriter{Conn: conn, closed: make(chan struct{})}, err
	}
	body := bytes.Repeat([]byte("x"), 4<<20)
	failure(t, h.Send(t.Context(), Batch{Body: body, Lines: 1}), TooLarge)
	for i := range body {
		body[i] = 'y' // a race, if anything still reads it
	}
}

// lateWriter is a connection that blocks behind the first piece of a request, and
// when it is closed takes the rest all the same.
type lateWriter struct {
	net.Conn
	begun  bool // owned by the writing goroutine
	closed chan struct{}
	once   sync.Once
}

func (c *lateWriter) Write(p []byte) (int, error) {
	if !c.begun {
		c.begun = true
		return c.Conn.Write(p)
	}
	<-c.closed
	return len(p), nil
}

func (c *lateWriter) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func TestSendConcurrently(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[string(body)]++
		_, _ = io.WriteString(w, "{}")
	})
	h := open(t, s.URL)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if err := h.Send(t.Context(), Batch{Body: fmt.Appendf(nil, "line %d", i), Lines: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(got) != 50 {
		t.Errorf("%d different batches arrived, want 50", len(got))
	}
	if n := s.connections.Load(); n > connections+1 {
		t.Errorf("%d connections, want at most %d", n, connections+1)
	}
}

func TestRepository(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   Kind
		is     error
	}{
		{200, `{"data":{"id":"repo"}}`, OK, nil},
		{200, ``, Misconfigured, nil},
		{200, `{"error":{"message":"Log repository not found"}}`, Misconfigured, ErrNoRepository},
		{400, `{"error":{"message":"bad id"}}`, Misconfigured, ErrNoRepository},
		{404, ``, Misconfigured, ErrNoRepository},
		{401, ``, Misconfigured, ErrUnauthorized},
		{402, ``, Misconfigured, ErrUnauthorized},
		{403, ``, Misconfigured, ErrUnauthorized},
		{302, ``, Misconfigured, nil},
		{429, ``, Throttled, nil},
		{500, ``, Retry, nil},
	} {
		var notes []seen
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			noting(&notes)(httptest.NewRecorder(), r)
			answering(c.status, c.body)(w, r)
		})
		err := open(t, s.URL).Repository(t.Context())
		if len(notes) != 1 || notes[0].Method != "GET" || notes[0].Path != "/api/sdk/v3/log-repositories" ||
			notes[0].Query.Get("loggerId") != "repo" || notes[0].Header.Get(protocol.HeaderKey) != canaryKey {
			t.Errorf("%d: the server saw %+v", c.status, notes)
		}
		if c.kind == OK {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if e := failure(t, err, c.kind); e.Op != "repository" || e.Status != c.status {
			t.Errorf("%d: got status %d of %q", c.status, e.Status, e.Op)
		}
		for _, sentinel := range []error{ErrNoRepository, ErrUnauthorized, ErrUnreachable} {
			if got := errors.Is(err, sentinel); got != errors.Is(c.is, sentinel) {
				t.Errorf("%d: errors.Is(%v, %v) is %t", c.status, err, sentinel, got)
			}
		}
	}
}

func TestRepositoryUnreachable(t *testing.T) {
	s := serve(t, answering(200, ""))
	h := open(t, s.URL)
	s.Close()
	err := h.Repository(t.Context())
	failure(t, err, Retry)
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = h.Repository(ctx)
	failure(t, err, Canceled)
	if errors.Is(err, ErrUnreachable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCloseTwiceAndSendAfter(t *testing.T) {
	s := serve(t, answering(200, "{}"))
	h := open(t, s.URL)
	for range 2 {
		if err := h.Send(t.Context(), batch()); err != nil {
			t.Fatal(err)
		}
		h.Close()
		h.Close()
	}
	if n := s.connections.Load(); n != 2 {
		t.Errorf("%d connections, want a new one after Close", n)
	}
}
