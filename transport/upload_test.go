package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	canarySignature = "X-Goog-Signature=canary0signature0c41d5e"
	canaryFile      = "canary-content: the patient is called Ada Nym"
)

// pair is a server and the storage its upload URLs lead to, at another origin.
type pair struct {
	server, storage *server
	asked           []seen // requests to the server; read it between uploads
}

// servePair starts a server that answers with a new signed URL each time, and a
// storage with a handler.
func servePair(t *testing.T, store http.HandlerFunc) *pair {
	t.Helper()
	p := &pair{storage: serve(t, store)}
	p.server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		p.asked = append(p.asked, seen{r.Method, r.URL.Path, r.URL.Query(), r.Header, r.ContentLength, r.TransferEncoding, ""})
		fmt.Fprintf(w, `{"data":{"url":"%s/bucket/a%%2Fb?%s&n=%d"}}`, p.storage.URL, canarySignature, len(p.asked))
	})
	return p
}

// text returns a file with a content, and counts in opened how often it is opened and
// in closed how often closed.
func text(content string, opened, closed *atomic.Int64) File {
	return File{Key: "repo/trace/t-1/files/original/a-1", MIME: "text/plain", Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
		opened.Add(1)
		return &counted{strings.NewReader(content), closed}, nil
	}}
}

// counted is a reader that counts its Close.
type counted struct {
	io.Reader
	closed *atomic.Int64
}

func (c *counted) Close() error {
	c.closed.Add(1)
	return nil
}

// plain returns a file with a content.
func plain(content string) File { return text(content, new(atomic.Int64), new(atomic.Int64)) }

func TestUploadRequests(t *testing.T) {
	var stored []seen
	p := servePair(t, noting(&stored))
	h, err := New(Config{BaseURL: p.server.URL + "/base", RepositoryID: "repo", APIKey: canaryKey})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var opened, closed atomic.Int64
	f := text("hello", &opened, &closed)
	f.Key, f.MIME = "my repo/a&b=c#d?e;f+g%2F/é\n", "image/svg+xml; x=1"
	if err := h.Upload(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]seen{{
		Method: "GET",
		Path:   "/base/api/sdk/v1/log-repositories/attachments/upload-url",
		Query:  url.Values{"key": {f.Key}, "mimeType": {f.MIME}, "size": {"5"}},
		Header: http.Header{"User-Agent": {"troupe"}, "X-Maxim-Api-Key": {canaryKey}},
	}}, p.asked); diff != "" {
		t.Error(diff)
	}
	signature := strings.TrimPrefix(canarySignature, "X-Goog-Signature=")
	if diff := cmp.Diff([]seen{{
		Method: "PUT",
		Path:   "/bucket/a/b",
		Query:  url.Values{"X-Goog-Signature": {signature}, "n": {"1"}},
		Header: http.Header{"Content-Length": {"5"}, "Content-Type": {f.MIME}, "User-Agent": {"troupe"}},
		Length: 5,
		Body:   "hello",
	}}, stored); diff != "" {
		t.Error(diff)
	}
	if opened.Load() != 1 || closed.Load() != 1 {
		t.Errorf("the content was opened %d times and closed %d times", opened.Load(), closed.Load())
	}
}

func TestUploadKeepsTheSignedURLAsItIs(t *testing.T) {
	const path = "/b/%41%2F%2f;x=1,(y)!$'*~@:+?X-Amz-Credential=a%2Fb&X=%20+a;&empty=&%zz&=?"
	var got string
	storage := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI })
	s := serve(t, answering(200, fmt.Sprintf(`{"data":{"url":%q}}`, storage.URL+path)))
	if err := open(t, s.URL).Upload(t.Context(), plain("x")); err != nil {
		t.Fatal(err)
	}
	if got != path {
		t.Errorf("\n got %s\nwant %s", got, path)
	}
}

func TestUploadOfNothing(t *testing.T) {
	var stored []seen
	p := servePair(t, noting(&stored))
	var opened, closed atomic.Int64
	f := text("", &opened, &closed)
	f.MIME = ""
	if err := open(t, p.server.URL).Upload(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if len(stored) != 1 || stored[0].Header.Get("Content-Length") != "0" || stored[0].Encoding != nil || closed.Load() != 1 {
		t.Errorf("the storage saw %+v; closed %d times", stored, closed.Load())
	}
	if _, ok := stored[0].Header["Content-Type"]; ok {
		t.Error("an unknown media type was sent")
	}
}

func TestEachUploadHasANewURLAndReader(t *testing.T) {
	var stored []seen
	p := servePair(t, func(w http.ResponseWriter, r *http.Request) {
		noting(&stored)(w, r)
	})
	h := open(t, p.server.URL)
	var opened, closed atomic.Int64
	f := text("hello", &opened, &closed)
	for i := range 3 {
		if err := h.Upload(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if got, want := stored[i].Query.Get("n"), fmt.Sprint(i+1); got != want || stored[i].Body != "hello" {
			t.Errorf("upload %d: URL %s, body %q", i, got, stored[i].Body)
		}
	}
	if opened.Load() != 3 || closed.Load() != 3 {
		t.Errorf("opened %d times and closed %d times in 3 attempts", opened.Load(), closed.Load())
	}
	if n := p.storage.connections.Load(); n != 1 {
		t.Errorf("3 uploads took %d connections", n)
	}
}

func TestUploadClassifiesTheStorage(t *testing.T) {
	for _, c := range []struct {
		status int
		want   Kind
		is     error
	}{
		{200, OK, nil}, {201, OK, nil}, {204, OK, nil},
		{301, Misconfigured, nil}, {302, Misconfigured, nil}, {307, Misconfigured, nil},
		{400, Retry, ErrStorageRefused}, {401, Retry, ErrStorageRefused}, {402, Retry, ErrStorageRefused},
		{403, Retry, ErrStorageRefused}, {404, Retry, ErrStorageRefused}, {405, Retry, ErrStorageRefused},
		{409, Retry, ErrStorageRefused}, {410, Retry, ErrStorageRefused}, {422, Retry, ErrStorageRefused},
		{408, Retry, nil}, {425, Retry, nil},
		{413, TooLarge, nil},
		{429, Throttled, nil},
		{500, Retry, nil}, {501, Retry, nil}, {503, Retry, nil}, {504, Retry, nil},
	} {
		body := `{"error":"not shown"}`
		if c.want == OK {
			body = ""
		}
		p := servePair(t, answering(c.status, body))
		err := open(t, p.server.URL).Upload(t.Context(), plain("hello"))
		if n := p.storage.requests.Load(); n != 1 {
			t.Errorf("%d: %d requests to the storage in one attempt", c.status, n)
		}
		if c.want == OK {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		e := failure(t, err, c.want)
		if e.Status != c.status || e.Op != "upload" || e.Message != "" {
			t.Errorf("%d: got status %d of %q: %v", c.status, e.Status, e.Op, err)
		}
		for _, sentinel := range []error{ErrStorageRefused, ErrNoRepository, ErrUnauthorized, ErrUnreachable, ErrUnsafeURL, ErrNoContent} {
			if got := errors.Is(err, sentinel); got != errors.Is(c.is, sentinel) {
				t.Errorf("%d: errors.Is(%v, %v) is %t", c.status, err, sentinel, got)
			}
		}
	}
}

// A storage answers a PUT with nothing, or with words of its own. What a 2xx holds counts
// where it says that the file is not stored, or cannot come from a storage.
func TestUploadJudgesTheBodyOfAStoragesSuccess(t *testing.T) {
	for _, c := range []struct {
		body string
		want Kind
		is   error
	}{
		{"", OK, nil},
		{"OK", OK, nil},
		{`{"data":{}}`, OK, nil},
		{`<?xml version="1.0"?><PostResponse><Key>canary</Key></PostResponse>`, OK, nil},
		{` <!DOCTYPE html><title>Sign in, canary</title>`, Misconfigured, nil},
		{`<HTML><body>canary`, Misconfigured, nil},
		{`{"error":"canary"}`, Retry, ErrStorageRefused},
		{`{"errors":["canary"]}`, Retry, ErrStorageRefused},
		{`{"success":false}`, Retry, ErrStorageRefused},
		{`<?xml version="1.0"?> <Error><Code>canary</Code></Error>`, Retry, ErrStorageRefused},
	} {
		p := servePair(t, answering(200, c.body))
		err := open(t, p.server.URL).Upload(t.Context(), plain("hello"))
		if c.want == OK {
			if err != nil {
				t.Errorf("%s: %v", c.body, err)
			}
			continue
		}
		failure(t, err, c.want)
		if errors.Is(err, ErrStorageRefused) != (c.is != nil) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", c.body, err)
		}
	}
}

func TestUploadClassifiesTheServer(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		want     Kind
		is       error
		requests int64
	}{
		{200, `{"error":{"message":"quota"}}`, Rejected, nil, 1},
		{200, ``, Misconfigured, nil, 1},
		{200, `<html>`, Misconfigured, nil, 1},
		{200, `{"data":{"url":""}}`, Misconfigured, nil, 1},
		{200, `{"data":{"url":7}}`, Misconfigured, nil, 1},
		{200, `{"data":{"url":"http://127.0.0.1/` + strings.Repeat("x", maxAnswer) + `"}}`, Misconfigured, nil, 1},
		{302, ``, Misconfigured, nil, 1},
		{400, ``, Rejected, nil, 1},
		{401, ``, Misconfigured, ErrUnauthorized, 1},
		{404, ``, Misconfigured, ErrNoRepository, 1},
		{413, ``, TooLarge, nil, 1},
		{429, ``, Throttled, nil, 1},
		{500, ``, Retry, nil, 3},
	} {
		s := serve(t, answering(c.status, c.body))
		var opened, closed atomic.Int64
		err := open(t, s.URL).Upload(t.Context(), text("hello", &opened, &closed))
		if e := failure(t, err, c.want); e.Status != c.status || e.Op != "upload" {
			t.Errorf("%d %.40s: got status %d of %q", c.status, c.body, e.Status, e.Op)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%d: got %v, want %v", c.status, err, c.is)
		}
		if n := s.requests.Load(); n != c.requests {
			t.Errorf("%d %.40s: %d requests, want %d", c.status, c.body, n, c.requests)
		}
		if closed.Load() != opened.Load() {
			t.Errorf("%d: opened %d times, closed %d times", c.status, opened.Load(), closed.Load())
		}
	}
}

func TestUploadThrottledByTheStorage(t *testing.T) {
	p := servePair(t, answering(503, "", "Retry-After", "7"))
	if e := failure(t, open(t, p.server.URL).Upload(t.Context(), plain("x")), Throttled); e.RetryAfter.String() != "7s" {
		t.Errorf("got %v", e)
	}
}

func TestUploadWithoutContent(t *testing.T) {
	p := servePair(t, answering(200, ""))
	h := open(t, p.server.URL)
	for _, c := range []struct {
		cause error
		want  Kind
		is    []error
	}{
		{&fs.PathError{Op: "open", Path: "/home/ada/secret", Err: syscall.ENOENT}, Rejected, []error{ErrNoContent, fs.ErrNotExist, syscall.ENOENT}},
		{fmt.Errorf("blob: %w", fs.ErrNotExist), Rejected, []error{ErrNoContent, fs.ErrNotExist}},
		{syscall.EIO, Rejected, []error{ErrNoContent, syscall.EIO}},
		{errors.New("cannot decrypt: secret"), Rejected, []error{ErrNoContent}},
		{syscall.EMFILE, Retry, []error{syscall.EMFILE}},
	} {
		err := h.Upload(t.Context(), File{Key: "k", Size: 5, Open: func() (io.ReadCloser, error) { return nil, c.cause }})
		failure(t, err, c.want)
		for _, is := range c.is {
			if !errors.Is(err, is) {
				t.Errorf("%v is not %v", err, is)
			}
		}
		if got := errors.Is(err, ErrNoContent); got != (c.want == Rejected) {
			t.Errorf("%v: ErrNoContent is %t", err, got)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds what the content's source said: %v", err)
		}
	}
	if n := p.server.requests.Load(); n != 0 {
		t.Errorf("%d requests for files without content", n)
	}
}

func TestUploadOfUnfitFiles(t *testing.T) {
	h := open(t, "http://127.0.0.1:1")
	never := func() (io.ReadCloser, error) { panic("opened") }
	for _, f := range []File{
		{Key: "k", MIME: "text/plain\r\nX-Evil: 1", Open: never},
		{Key: "k", MIME: "text/\x00", Open: never},
		{Key: "k", MIME: "téxt/plain", Open: never},
		{Key: "k", MIME: "text/plain", Size: -1, Open: never},
	} {
		failure(t, h.Upload(t.Context(), f), Rejected)
	}
}

func TestUploadCanceledBeforeItBegins(t *testing.T) {
	p := servePair(t, answering(200, ""))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := open(t, p.server.URL).Upload(ctx, plain("hello"))
	failure(t, err, Canceled)
	if !errors.Is(err, context.Canceled) || p.server.requests.Load() != 0 {
		t.Errorf("got %v after %d requests", err, p.server.requests.Load())
	}
}
