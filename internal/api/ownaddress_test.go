package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// A proxy may leave the path of the public URL in, and balancers ask by any name.
func TestHealthBelowThePublicPathIsAnsweredWhateverTheName(t *testing.T) {
	address := serve(t, collector.Config{PublicURL: "https://example.com/troupe"})
	for path, want := range map[string]int{
		"/troupe/healthz": 200, "/troupe/readyz": 200, "/healthz": 200, "/troupe/traces": 403, "/other/healthz": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Close = "10.0.0.1:7780", true
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("GET %s: status %d, want %d", path, answer.StatusCode, want)
		}
	}
}

func TestSigningInAtTheOwnAddressBesideAPublicURL(t *testing.T) {
	address := serve(t, collector.Config{APIKey: "right", PublicURL: "https://example.com/troupe"})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for origin, want := range map[string]int{
		"http://" + address: 303, "https://example.com": 303, "http://evil.test": 403, "http://localhost:1": 403, "null": 403,
	} {
		body := url.Values{"key": {"right"}, "next": {"/traces"}}.Encode()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+address+"/troupe/signin", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("from %s: status %d, want %d", origin, answer.StatusCode, want)
		}
		if cookies := answer.Cookies(); origin == "http://"+address && (len(cookies) != 1 || cookies[0].Secure) {
			t.Errorf("cookies %v, want one that a browser sends over plain http", cookies)
		}
	}
}

func TestAFormThatCannotBeReadIsTheClientsFault(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	status, text := s.do("POST", "/signin", strings.NewReader("%zz"), form...)
	s.wantError(status, text, http.StatusBadRequest, "bad_request")
	status, text = s.do("POST", "/signin", strings.NewReader("key="+strings.Repeat("x", 64<<10)), form...)
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
}
