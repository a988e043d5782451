package api_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/viewer"
)

// front is a collector on 127.0.0.1 behind a proxy that speaks TLS and has it below a path.
type front struct {
	*testing.T
	root   string // of the collector, for clients
	client *http.Client
}

// startFront starts both. change is what the proxy does beside passing requests on.
func startFront(t *testing.T, cfg collector.Config, change func(*httputil.ProxyRequest)) *front {
	t.Helper()
	address := serve(t, cfg)
	back := &http.Transport{}
	t.Cleanup(back.CloseIdleConnections)
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Transport: back, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", address
		change(r)
	}})
	t.Cleanup(proxy.Close)
	client := proxy.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, proxy.Listener.Addr().String()) // whatever example.com is
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar, _ = cookiejar.New(nil) // without options it does not fail
	return &front{t, "https://example.com/logs/troupe", client}
}

// do sends a request and returns the answer with its body.
func (f *front) do(method, to string, body io.Reader, headers ...string) (*http.Response, string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, to, body)
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := f.client.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer answer.Body.Close()
	var text []byte
	if answer.Header.Get("Content-Type") == "text/event-stream" {
		text = make([]byte, 1) // it has no end
		_, err = io.ReadFull(answer.Body, text)
	} else {
		text, err = io.ReadAll(answer.Body)
	}
	if err != nil {
		f.Fatalf("%s %s: %v", method, to, err)
	}
	return answer, string(text)
}

// form sends a form as a browser of some years ago does, which says its Origin and no more.
func (f *front) form(path string, values url.Values) *http.Response {
	f.Helper()
	answer, text := f.do("POST", f.root+path, strings.NewReader(values.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://example.com")
	if answer.StatusCode != http.StatusSeeOther {
		f.Fatalf("POST %s: status %d: %.300s", path, answer.StatusCode, text)
	}
	if to := answer.Header.Get("Location"); !strings.HasPrefix(to, "/logs/troupe/") {
		f.Errorf("POST %s leads to %s", path, to)
	}
	return answer
}

var addresses = regexp.MustCompile(` (?:href|src|action|data-(?:part|tree|node|page|copy|live|trace))="([^"]*)"`)

var varying = regexp.MustCompile(`=[^&]*|\d+`)

// crawl follows every address on every page, and returns the routes that it came to. Of
// those that differ in values it follows a few.
func (f *front) crawl() map[string]int {
	f.Helper()
	came, seen, shapes := map[string]int{}, map[string]bool{}, map[string]int{}
	for todo := []string{f.root + "/"}; len(todo) > 0; todo = todo[1:] {
		page, _, _ := strings.Cut(todo[0], "#")
		// Of addresses that differ only in numbers and values, a few are enough.
		shape := varying.ReplaceAllString(page, "")
		if seen[page] || shapes[shape] == 4 {
			continue
		}
		seen[page], shapes[shape] = true, shapes[shape]+1
		answer, text := f.do("GET", page, nil)
		if answer.StatusCode >= 400 && !strings.HasSuffix(page, "/settings/delete") && !strings.HasSuffix(page, "/feedback") && !strings.HasSuffix(page, "/trace/") {
			f.Errorf("GET %s: status %d", page, answer.StatusCode)
		}
		came[strings.Split(strings.TrimPrefix(answer.Request.URL.Path, "/logs/troupe/"), "/")[0]]++
		found := addresses.FindAllStringSubmatch(text, -1)
		if to := answer.Header.Get("Location"); to != "" {
			found = append(found, []string{"", to})
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || answer.Header.Get("Content-Disposition") != "" {
			found = nil
		} else if policy := answer.Header.Get("Content-Security-Policy"); policy != viewer.Policy {
			f.Errorf("GET %s: policy %q", page, policy)
		}
		for _, match := range found {
			to, err := answer.Request.URL.Parse(html.UnescapeString(match[1]))
			if err != nil {
				f.Errorf("%s has the address %q: %v", page, match[1], err)
				continue
			}
			if match[1] == "link" { // of the button that copies the page's own
				continue
			}
			if !strings.HasPrefix(to.String(), f.root+"/") {
				f.Errorf("%s leads to %s", page, to)
				continue
			}
			todo = append(todo, to.String())
		}
	}
	return came
}

// TestBehindATLSProxyBelowAPath follows everything that pages, redirects and answers lead
// to, as a browser and a client see it from outside.
func TestBehindATLSProxyBelowAPath(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	public := "https://example.com/logs/troupe"
	strip := func(r *httputil.ProxyRequest) {
		r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/logs/troupe")
		r.Out.URL.RawPath = strings.TrimPrefix(r.In.URL.RawPath, "/logs/troupe")
	}
	for name, test := range map[string]struct {
		cfg    collector.Config
		change func(*httputil.ProxyRequest)
	}{
		"the proxy takes the path away": {collector.Config{PublicURL: public}, func(r *httputil.ProxyRequest) {
			strip(r)
			r.Out.Host = r.In.Host
		}},
		"the proxy leaves path and names itself": {collector.Config{PublicURL: public + "/"}, func(*httputil.ProxyRequest) {}},
		"the proxy says what it was asked": {collector.Config{TrustedProxies: local}, func(r *httputil.ProxyRequest) {
			strip(r)
			r.Out.Host = r.Out.URL.Host
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-Prefix", "/logs/troupe")
		}},
		"the proxy is known and its URL too": {collector.Config{PublicURL: public, TrustedProxies: local}, func(r *httputil.ProxyRequest) {
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.APIKey = "right"
			f := startFront(t, test.cfg, test.change)
			f.fill()
			for _, path := range []string{"/healthz", "/readyz"} {
				if answer, text := f.do("GET", f.root+path, nil); answer.StatusCode != http.StatusOK {
					t.Errorf("GET %s: status %d: %s", path, answer.StatusCode, text)
				}
			}
			f.signIn()
			came := f.crawl()
			for _, page := range []string{"", "traces", "trace", "sessions", "session", "live", "events", "search", "settings", "about", "help", "line", "e", "diff", "attachment", "assets", "favicon.ico"} {
				if came[page] == 0 {
					t.Errorf("no link leads to /%s", page)
				}
			}
			_, text := f.do("GET", f.root+"/trace/t1?repo=r", nil)
			f.form("/feedback", url.Values{"token": {field(t, text, "token")}, "repo": {"r"}, "trace": {"t1"}, "score": {"+"}})
			_, text = f.do("GET", f.root+"/settings", nil)
			saved := f.form("/settings", url.Values{"token": {field(t, text, "token")}, "theme": {"dark"}})
			f.wantCookie(saved, "troupe-prefs")
			if answer, _ := f.do("GET", f.root+"//traces", nil); answer.Header.Get("Location") != "/logs/troupe/traces" {
				t.Errorf("an address that is not clean leads to %q", answer.Header.Get("Location"))
			}
		})
	}
}

// fill logs through the proxy as a client does.
func (f *front) fill() {
	f.Helper()
	answer, text := f.do("GET", f.root+"/api/sdk/v1/log-repositories/attachments/upload-url?key=r/t1/p.png&mimeType=image/png&size=8", nil, "x-maxim-api-key", "right")
	var signed struct{ Data struct{ URL string } }
	(&server{T: f.T}).decode(text, &signed)
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(signed.Data.URL, f.root+"/api/") {
		f.Fatalf("status %d, upload URL %s", answer.StatusCode, signed.Data.URL)
	}
	if answer, text := f.do("PUT", signed.Data.URL, strings.NewReader("\x89PNG\r\n\x1a\n")); answer.StatusCode != http.StatusOK {
		f.Fatalf("PUT to the upload URL: status %d: %s", answer.StatusCode, text)
	}
	var lines strings.Builder
	for i := range 60 { // more than a page of traces
		id := fmt.Sprintf("t%d", i)
		fmt.Fprintf(&lines, "trace{id=%s,action=create,data={\"name\":\"trace %d\",\"sessionId\":\"s%d\",\"startTimestamp\":\"2026-11-30T10:00:00Z\",\"tags\":{\"env\":\"a/b\"}}}\n", id, i, i%30)
		fmt.Fprintf(&lines, "trace{id=%s,action=add-generation,data={\"id\":\"g%d\",\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"startTimestamp\":\"2026-11-30T10:00:00Z\"}}\n", id, i)
		fmt.Fprintf(&lines, "trace{id=%s,action=end,data={\"endTimestamp\":\"2026-11-30T10:00:01Z\"}}\n", id)
	}
	lines.WriteString(`trace{id=t59,action=upload-attachment,data={"type":"file","name":"p.png","key":"r/t1/p.png","mimeType":"image/png","size":8,"id":"a1"}}` + "\n")
	lines.WriteString("session{id=s1,action=create,data={\"name\":\"session\"}}\n")
	if answer, text := f.do("POST", f.root+"/api/sdk/v3/log?id=r", strings.NewReader(lines.String()), "x-maxim-api-key", "right"); answer.StatusCode != http.StatusOK || !strings.Contains(text, `"refused":0`) {
		f.Fatalf("logging: status %d: %s", answer.StatusCode, text)
	}
	f.do("POST", f.root+"/api/sdk/v3/log?id=other", strings.NewReader("trace{id=t,action=create,data={}}"), "x-maxim-api-key", "right")
}

// signIn begins at a page that asks for the key.
func (f *front) signIn() {
	f.Helper()
	answer, text := f.do("GET", f.root+"/traces?q=x", nil)
	if answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, `action="/logs/troupe/signin"`) || !strings.Contains(text, `href="/logs/troupe/assets/`) {
		f.Fatalf("status %d: %s", answer.StatusCode, text)
	}
	answer = f.form("/signin", url.Values{"key": {"right"}, "next": {html.UnescapeString(field(f.T, text, "next"))}})
	if to := answer.Header.Get("Location"); to != "/logs/troupe/traces?q=x" {
		f.Errorf("signing in leads to %s", to)
	}
	f.wantCookie(answer, "troupe-session")
}

func (f *front) wantCookie(answer *http.Response, name string) {
	f.Helper()
	cookies := answer.Cookies()
	if len(cookies) != 1 || cookies[0].Name != name || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].Path != "/logs/troupe" {
		f.Errorf("cookies %v, want %s for TLS only and below the path", cookies, name)
	}
}

func field(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, `name="`+name+`" value="`)
	value, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("there is no field %s in %s", name, page)
	}
	return value
}

// Who is no trusted proxy chooses nothing by headers.
func TestForwardedHeadersOfOthersAreIgnored(t *testing.T) {
	s := start(t, collector.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	headers := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.test", "X-Forwarded-Prefix", "/evil"}
	_, text := s.do("GET", "/api/sdk/v1/log-repositories/attachments/upload-url?key=r/f&mimeType=x&size=1", nil, headers...)
	if !strings.Contains(text, s.url+"/api/") {
		t.Errorf("the upload URL is %s", text)
	}
	if _, text := s.do("GET", "/traces", nil, headers...); strings.Contains(text, "evil") {
		t.Error("the page has a path that a client chose")
	}
	// A proxy that passes on what a client wrote must not make pages lead elsewhere.
	trusting := start(t, collector.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for _, prefix := range []string{"//evil.test", `/\evil.test`, "/a/../..", "javascript:x", "/\"x", "https://evil.test", "/a b", "/."} {
		if _, text := trusting.do("GET", "/traces", nil, "X-Forwarded-Prefix", prefix); !strings.Contains(text, `href="/traces"`) {
			t.Errorf("X-Forwarded-Prefix: %s is believed", prefix)
		}
	}
}

// Those who pass by the proxies see the collector as it is.
func TestDirectClientsBesideATrustedProxy(t *testing.T) {
	s := start(t, collector.Config{PublicURL: "https://example.com/p", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	_, text := s.do("GET", "/api/sdk/v1/log-repositories/attachments/upload-url?key=r/f&mimeType=x&size=1", nil)
	if !strings.Contains(text, s.url+"/api/") {
		t.Errorf("the upload URL is %s", text)
	}
}

func TestPublicURLsThatCannotBe(t *testing.T) {
	for _, public := range []string{
		"logs.example.com", "ftp://x", "https://", "https://a:b@x", "https://x?y=z", "https://x#y", "https://x/a b", "https://x//", "https://x/a/../b",
		"https://x/api", "https://x/v1/y", "https://x/trace", "https://x/assets", "https://x/healthz", "https://x/a%2Fb", "https://x y",
	} {
		c, err := collector.New(collector.Config{Dir: t.TempDir(), PublicURL: public})
		var bad *collector.ConfigError
		if c != nil {
			c.Close(context.Background())
		}
		if !errors.As(err, &bad) || bad.Field != "PublicURL" {
			t.Errorf("New with %q: %v", public, err)
		} else if strings.Contains(err.Error(), "a:b") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}
