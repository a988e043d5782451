package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestNewChecksConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		field  string // of the error; empty for none
	}{
		{"https", Config{BaseURL: "https://logs.example.com", RepositoryID: "r", APIKey: "k"}, ""},
		{"https with path and port", Config{BaseURL: "https://logs.example.com:8443/a/b/", RepositoryID: "r", APIKey: "k"}, ""},
		{"upper case scheme", Config{BaseURL: "HTTPS://logs.example.com", RepositoryID: "r", APIKey: "k"}, ""},
		{"http on localhost", Config{BaseURL: "http://localhost:8080", RepositoryID: "r", APIKey: "k"}, ""},
		{"http on 127/8", Config{BaseURL: "http://127.3.2.1", RepositoryID: "r", APIKey: "k"}, ""},
		{"http on ::1", Config{BaseURL: "http://[::1]:80", RepositoryID: "r", APIKey: "k"}, ""},
		{"http on mapped loopback", Config{BaseURL: "http://[::ffff:127.0.0.1]", RepositoryID: "r", APIKey: "k"}, ""},
		{"loopback without key", Config{BaseURL: "http://127.0.0.1", RepositoryID: "r"}, ""},
		{"insecure, permitted", Config{BaseURL: "http://logs.example.com", RepositoryID: "r", APIKey: "k", AllowInsecure: true}, ""},
		{"any repository id", Config{BaseURL: "https://logs.example.com", RepositoryID: "my repo&x=1/é#", APIKey: "k"}, ""},

		{"no URL", Config{RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"no scheme", Config{BaseURL: "logs.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"other scheme", Config{BaseURL: "ftp://logs.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"no host", Config{BaseURL: "https:///path", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"port only", Config{BaseURL: "https://:443", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"bad URL", Config{BaseURL: "https://user:sesame@host:port", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"user information", Config{BaseURL: "https://user:sesame@logs.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"query", Config{BaseURL: "https://logs.example.com?token=sesame", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"empty query", Config{BaseURL: "https://logs.example.com?", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"fragment", Config{BaseURL: "https://logs.example.com#sesame", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"http elsewhere", Config{BaseURL: "http://logs.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"http on a private address", Config{BaseURL: "http://10.0.0.1", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"http on any address", Config{BaseURL: "http://0.0.0.0", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"http on a name like localhost", Config{BaseURL: "http://localhost.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"http on a name like an address", Config{BaseURL: "http://127.0.0.1.example.com", RepositoryID: "r", APIKey: "k"}, "BaseURL"},
		{"no repository", Config{BaseURL: "https://logs.example.com", APIKey: "k"}, "RepositoryID"},
		{"no key elsewhere", Config{BaseURL: "https://logs.example.com", RepositoryID: "r"}, "APIKey"},
		{"no key elsewhere, insecure", Config{BaseURL: "http://logs.example.com", RepositoryID: "r", AllowInsecure: true}, "APIKey"},
		{"key with newline", Config{BaseURL: "https://logs.example.com", RepositoryID: "r", APIKey: "sesame\n"}, "APIKey"},
		{"key with space", Config{BaseURL: "https://logs.example.com", RepositoryID: "r", APIKey: "sesame sesame"}, "APIKey"},
		{"key beyond ASCII", Config{BaseURL: "https://logs.example.com", RepositoryID: "r", APIKey: "sésame"}, "APIKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := New(c.config)
			if c.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				h.Close()
				return
			}
			var bad *ConfigError
			if !errors.As(err, &bad) || bad.Field != c.field || bad.Reason == "" {
				t.Fatalf("got %v, want a *ConfigError for %s", err, c.field)
			}
			if strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "sésame") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestPrintingShowsNoKey(t *testing.T) {
	config := Config{BaseURL: "https://logs.example.com", RepositoryID: "repo", APIKey: canaryKey}
	h, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	asJSON, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown += fmt.Sprintf(verb+verb+verb, config, &config, h)
	}
	if strings.Contains(shown, canaryKey) || strings.Contains(shown, fmt.Sprintf("%x", canaryKey)) {
		t.Errorf("the key is shown: %s", shown)
	}
	if !strings.Contains(shown, "transport.HTTP(https://logs.example.com/api/sdk/v3/log)") {
		t.Errorf("an HTTP does not say where it sends: %s", shown)
	}
}

func TestTransportSettings(t *testing.T) {
	secure, open := newServerTransport("https", 1), newServerTransport("http", 1)
	if secure.Proxy == nil || open.Proxy != nil {
		t.Error("a proxy must be used for https and only there")
	}
	if got := secure.TLSClientConfig.MinVersion; got != 0x0303 {
		t.Errorf("oldest TLS version is %#x, want 1.2", got)
	}
	if secure.ForceAttemptHTTP2 || secure.TLSClientConfig.InsecureSkipVerify {
		t.Error("HTTP/2 is forced or certificates are not verified")
	}
	client := newClient(secure, new(atomic.Bool))
	if client.Logger != nil || client.RetryMax != 2 {
		t.Errorf("logger %v, retries %d", client.Logger, client.RetryMax)
	}
	if err := client.HTTPClient.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("a redirect leads to %v", err)
	}
}
