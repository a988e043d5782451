package api_test

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// opened opens the collector of a folder until the end of the test or until it is closed.
func opened(t *testing.T, dir, key string) *collector.Collector {
	t.Helper()
	c, err := collector.New(collector.Config{Dir: dir, APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// asks sends a request to a collector.
func asks(c *collector.Collector, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, r)
	return answer
}

var formToken = regexp.MustCompile(`action="?/settings"?><input type="?hidden"? name="?token"? value="?([0-9a-f]{64})`)

// given is what a collector hands out for later.
type given struct{ upload, cookie, token string }

func hands(t *testing.T, c *collector.Collector, key string) (g given) {
	t.Helper()
	answer := asks(c, "GET", "/api/sdk/v1/log-repositories/attachments/upload-url?key=r%2Fa&mimeType=text%2Fplain&size=5", "", protocol.HeaderKey, key)
	address := regexp.MustCompile(`"url":"([^"]+)"`).FindStringSubmatch(answer.Body.String())
	if address == nil {
		t.Fatalf("no URL in %s", answer.Body)
	}
	u, err := url.Parse(address[1])
	if err != nil {
		t.Fatal(err)
	}
	g.upload = u.RequestURI()
	answer = asks(c, "POST", "/signin", url.Values{"key": {key}, "next": {"/"}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	g.cookie, _, _ = strings.Cut(answer.Header().Get("Set-Cookie"), ";")
	if g.cookie == "" {
		t.Fatalf("signing in is answered %d without a cookie", answer.Code)
	}
	answer = asks(c, "GET", "/settings", "", "Cookie", g.cookie)
	token := formToken.FindStringSubmatch(answer.Body.String())
	if token == nil {
		t.Fatalf("no token of a form on the page for settings, status %d", answer.Code)
	}
	g.token = token[1]
	return g
}

// takes checks whether a collector accepts what one handed out.
func takes(t *testing.T, c *collector.Collector, key string, g given, upload, page, form bool) {
	t.Helper()
	if answer := asks(c, "PUT", g.upload, "hello"); (answer.Code == http.StatusOK) != upload {
		t.Errorf("the URL for an upload is answered %d", answer.Code)
	}
	if answer := asks(c, "GET", "/settings", "", "Cookie", g.cookie); (answer.Code == http.StatusOK) != page {
		t.Errorf("a page is answered %d with the cookie", answer.Code)
	}
	sent := url.Values{"token": {g.token}, "theme": {"dark"}}.Encode()
	answer := asks(c, "POST", "/settings", sent, "Content-Type", "application/x-www-form-urlencoded", protocol.HeaderKey, key)
	if (answer.Code == http.StatusSeeOther) != form {
		t.Errorf("a form is answered %d", answer.Code)
	}
}

func TestWhatIsSignedOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, dir, "key")
	g := hands(t, c, "key")
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = opened(t, dir, "key")
	takes(t, c, "key", g, true, true, true)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// With another API key whoever has the cookie has to sign in again.
	c = opened(t, dir, "another-key")
	takes(t, c, "another-key", g, true, false, true)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Another secret in front of it: both are valid. In place of it: it alone.
	path := filepath.Join(dir, "secret")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.Repeat("ab", 32) + "\n"
	for _, valid := range []bool{true, false} {
		text := fresh
		if valid {
			text += string(old)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c = opened(t, dir, "key")
		takes(t, c, "key", g, valid, valid, valid)
		newer := hands(t, c, "key")
		takes(t, c, "key", newer, true, true, true)
		if newer == g {
			t.Error("the new secret is not used")
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASecretThatCannotBeUsedIsSaid(t *testing.T) {
	good := strings.Repeat("0f", 32)
	for name, text := range map[string]string{
		"empty": "", "short": good[:62], "no digits": strings.Repeat("xy", 32), "three": good + "\n" + good + "\n" + good + "\n",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := collector.New(collector.Config{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	c := opened(t, dir, "")
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(path)
	if _, decoded := hex.DecodeString(strings.TrimSpace(string(made))); err != nil || decoded != nil || len(made) != 2*32+1 {
		t.Errorf("a secret of %d bytes, %v, %v", len(made), err, decoded)
	}
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Log("what cannot be read is not tried: this user can read everything")
		return
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := collector.New(collector.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a secret that cannot be read: %v", err)
	}
}
