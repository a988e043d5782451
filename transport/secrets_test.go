package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

// silence keeps a server from reporting broken handshakes.
func silence(s *httptest.Server) {
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server got %s %s with key %q", r.Method, r.URL, r.Header.Get(protocol.HeaderKey))
	})
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for _, location := range []string{other.URL + "/api/sdk/v3/log?id=repo", "/elsewhere", "", "http://[::bad", "file:///etc/passwd"} {
			s := serve(t, answering(status, "", "Location", location))
			h := open(t, s.URL)
			for name, err := range map[string]error{"send": h.Send(t.Context(), batch()), "repository": h.Repository(t.Context())} {
				if e := failure(t, err, Misconfigured); e.Status != status {
					t.Errorf("%s, %d to %q: %v", name, status, location, err)
				}
			}
			if n := s.requests.Load(); n != 2 {
				t.Errorf("%d to %q: %d requests, want one per call", status, location, n)
			}
		}
	}
	if n := other.requests.Load(); n != 0 {
		t.Errorf("the other server got %d requests", n)
	}
}

// echo answers with the request itself: its headers, its URL and its body.
func echo(status int, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		fmt.Fprintf(w, format, r.Header.Get(protocol.HeaderKey), body)
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	formats := []string{
		"key %s, line %s",
		"%.0sline %s",
		"key %s",
		"\n\n%s\x00%s",
		strings.Repeat("x ", 115) + "%s%s", // cut in the middle of the key
		`{"error":{"message":"key %s, line %s"}}`,
		`{"error":"%.0scannot read %s"}`,
		`{"message":"%s%s"}`,
	}
	var errs []error
	call := func(h *HTTP) {
		errs = append(errs, h.Send(t.Context(), batch()), h.Repository(t.Context()))
	}
	for _, format := range formats {
		for _, status := range []int{302, 400, 401, 404, 408, 413, 422, 429, 500, 503} {
			call(open(t, serve(t, echo(status, format)).URL))
		}
	}
	call(open(t, serve(t, echo(200, `{"error":{"message":"%s %s"}}`)).URL))
	call(open(t, raw(t, saying("garbage "+canaryKey+" "+canaryBody+"\r\n")).URL))
	call(open(t, raw(t, saying("HTTP/1.1 "+canaryKey+" "+canaryBody+"\r\n\r\n")).URL))
	call(open(t, raw(t, saying("HTTP/1.1 302 Found\r\nLocation: http://[::"+canaryKey+"\r\n\r\n")).URL))
	call(open(t, raw(t, saying("HTTP/1.1 200 OK\r\n"+canaryKey+canaryBody+"\r\n\r\n")).URL))
	call(open(t, raw(t, saying("")).URL))
	unknown := open(t, "http://localhost:1/canary-path")
	unknown.client.HTTPClient.Transport.(bounded).RoundTripper.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("dial http://user:%s@host/?token=%s with %s", canaryKey, canaryKey, canaryBody)
	}
	call(unknown)
	untrusted := httptest.NewUnstartedServer(answering(200, ""))
	silence(untrusted)
	untrusted.StartTLS()
	defer untrusted.Close()
	call(open(t, untrusted.URL))

	n := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		n++
		for _, shown := range everyForm(err) {
			for _, secret := range []string{canaryKey, canaryKey[:15], "passport", "C01X00T47", "id=repo", "loggerId"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is shown: %s", secret, shown)
				}
			}
		}
	}
	if n < 160 {
		t.Errorf("only %d errors were examined", n)
	}
}

// everyForm returns the ways an error and what it wraps can be printed.
func everyForm(err error) []string {
	forms := []string{fmt.Sprintf("%v|%+v|%#v|%q", err, err, err, err)}
	if e, ok := errors.AsType[*Error](err); ok {
		for _, inner := range e.Unwrap() {
			forms = append(forms, everyForm(inner)...)
		}
	}
	return forms
}

func TestErrorText(t *testing.T) {
	at := func(status int, body string, headers ...string) error {
		s := serve(t, answering(status, body, headers...))
		err := open(t, s.URL).Send(t.Context(), Batch{Body: []byte("abc"), Lines: 2})
		return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), s.URL, "URL"))
	}
	const head = "transport: send 2 lines (3 bytes) to URL/api/sdk/v3/log: "
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(500, "<html>"), "status 500"},
		{at(429, "slow down"), "status 429 (slow down)"},
		{at(429, "", "Retry-After", "7"), "status 429: it asks to wait 7s"},
		{at(413, ""), "status 413: send fewer lines at once"},
		{at(400, `{"error":"line 2 is odd"}`), "status 400 (line 2 is odd): split the batch to find the line to blame"},
		{at(401, ""), "status 401: check the API key and what its account may do"},
		{at(404, ""), "status 404: check the base URL and the repository id"},
		{at(308, "", "Location", "/x"), "status 308: redirects are not followed, set the base URL to where the server is"},
		{at(405, ""), "status 405: check the base URL and any proxy on the way"},
	} {
		if got := c.err.Error(); got != head+c.want {
			t.Errorf("\n got %s\nwant %s", got, head+c.want)
		}
	}
	s := raw(t, saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))
	broken := "transport: repository check at " + s.URL + "/api/sdk/v3/log-repositories: status 200 (unexpected EOF)"
	if got := open(t, s.URL).Repository(t.Context()); got == nil || got.Error() != broken {
		t.Errorf("\n got %v\nwant %s", got, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const want = "transport: send 2 lines (3 bytes) to http://127.0.0.1:1/api/sdk/v3/log: canceled by the caller (context canceled)"
	if got := open(t, "http://127.0.0.1:1").Send(ctx, Batch{Body: []byte("abc"), Lines: 2}); got.Error() != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
