package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// page requests a page as a browser does, and follows no redirect.
func (s *server) page(method, path string, form url.Values, cookies ...*http.Cookie) *http.Response {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestPagesAskForTheKey(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	if got := s.page("GET", "/", nil).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("status %d without signing in", got)
	}
	if got := s.page("POST", "/signin", url.Values{"key": {"wrong"}}).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("status %d with a wrong key", got)
	}
	answer := s.page("POST", "/signin", url.Values{"key": {"right"}, "next": {"/traces?q=x"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/traces?q=x" || len(answer.Cookies()) != 1 {
		t.Fatalf("status %d, to %q, %d cookies", answer.StatusCode, answer.Header.Get("Location"), len(answer.Cookies()))
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || strings.Contains(cookie.Value, "right") {
		t.Errorf("cookie %v", cookie)
	}
	if got := s.page("GET", "/", nil, cookie).StatusCode; got >= 400 {
		t.Errorf("status %d after signing in", got)
	}
	for _, changed := range []string{"", "x", cookie.Value[:len(cookie.Value)-1] + "A", "A" + cookie.Value[1:], cookie.Value + "AA"} {
		forged := *cookie
		if forged.Value = changed; changed == cookie.Value {
			continue
		}
		if got := s.page("GET", "/", nil, &forged).StatusCode; got != http.StatusUnauthorized {
			t.Errorf("status %d with a cookie of %q", got, changed)
		}
	}
	// The cookie is for pages: it opens nothing that programs call.
	if got := s.page("GET", "/api/v1/repositories", nil, cookie).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("status %d of the API with a cookie", got)
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	for _, next := range []string{
		"https://evil.test/", "//evil.test/", `/\evil.test/`, "javascript:alert(1)", "", "evil", "/\t/evil.test", "/\n/evil.test", `/./\evil.test`,
		`/.\evil.test`, `\\evil.test`, `/\/evil.test`, "/ /evil.test", "\t//evil.test", "/./\t/evil.test", "///evil.test", "/\x00/evil.test", "/x/../..//evil.test",
		"/%2e%2e/other", "/..", "/.", "http:evil.test", "http:/evil.test", "//user@evil.test", "/\u007f/evil.test", "?next=/", "#x",
	} {
		answer := s.page("POST", "/signin", url.Values{"key": {"right"}, "next": {next}})
		if got := answer.Header.Get("Location"); got != "/" {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
	for next, want := range map[string]string{
		"/traces?q=status%3Aerror&repo=a%2Fb": "/traces?q=status%3Aerror&repo=a%2Fb", "/trace/a%2Fb?node=x#part": "/trace/a%2Fb?node=x", "/trace/ä": "/trace/%C3%A4",
	} {
		answer := s.page("POST", "/signin", url.Values{"key": {"right"}, "next": {next}})
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("next=%q leads to %q, want %q", next, got, want)
		}
	}
}

// TestOriginsAndHosts is S6: on loopback only requests that name this machine are
// answered, whatever the route, and pages of other sites change nothing.
func TestOriginsAndHosts(t *testing.T) {
	address := serve(t, collector.Config{})
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	_, port, _ := strings.Cut(address, ":")
	get := []string{
		"/", "/metrics", "/traces", "/trace/t", "/session/s", "/search?q=x", "/live", "/settings", "/help", "/about", "/nowhere", "/assets/x",
		"/api/v1/repositories", "/api/v1/repositories/r/lines", "/api/v1/repositories/r/traces/t", "/api/sdk/v3/log-repositories?loggerId=r",
	}
	post := []string{"/api/sdk/v3/log?id=r", "/api/sdk/v1/log-repositories/check-attach-evaluators", "/signin", "/v1/traces", "/settings", "/feedback"}
	ask := func(method, path, host string, headers ...string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader("trace{id=t,action=create,data={}}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for _, host := range []string{"evil.test", "localhost.evil.test:" + port, "10.0.0.1", "0.0.0.0:" + port, "[::]", "169.254.169.254", "null"} {
		for _, path := range get {
			if got := ask("GET", path, host); got != http.StatusForbidden {
				t.Errorf("GET %s with Host %s: %d", path, host, got)
			}
		}
		for _, path := range post {
			if got := ask("POST", path, host); got != http.StatusForbidden {
				t.Errorf("POST %s with Host %s: %d", path, host, got)
			}
		}
	}
	// Balancers ask by an address, and learn nothing that is worth keeping.
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := ask("GET", path, "10.0.0.1:7780"); got != http.StatusOK {
			t.Errorf("GET %s with another Host: %d", path, got)
		}
	}
	for _, path := range post {
		for _, origin := range []string{"http://evil.test", "https://evil.test", "http://localhost:1", "null", "http://" + address + ".evil.test"} {
			if got := ask("POST", path, address, "Origin", origin); got != http.StatusForbidden {
				t.Errorf("POST %s from %s: %d", path, origin, got)
			}
		}
		if got := ask("POST", path, address, "Sec-Fetch-Site", "cross-site"); got != http.StatusForbidden {
			t.Errorf("POST %s from another site: %d", path, got)
		}
		if got := ask("POST", path, address, "Sec-Fetch-Site", "same-site"); got != http.StatusForbidden {
			t.Errorf("POST %s from the same site, which another port is: %d", path, got)
		}
	}
	for _, host := range []string{address, "localhost:" + port, "[::1]:" + port} {
		if got := ask("GET", "/traces", host); got != http.StatusOK {
			t.Errorf("GET /traces with Host %s: %d", host, got)
		}
	}
}
