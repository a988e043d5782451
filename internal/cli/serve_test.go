package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// certificate writes the certificate of net/http/httptest, which is one for 127.0.0.1, and
// returns its files and a pool that trusts it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	pair := server.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return cert, key, pool
}

func TestServeNamesTheWrongFlag(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := certificate(t)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		args, says []string
	}{
		"a blank key":               {[]string{"--api-key", " "}, []string{"--api-key holds no key"}},
		"an empty key":              {[]string{"--api-key", ""}, []string{"--api-key holds no key"}},
		"a key of two words":        {[]string{"--api-key", "hunter2 hunter2"}, []string{"--api-key contains a space"}},
		"a key of two lines":        {[]string{"--api-key-file", file("two", "hunter2\nhunter2\n")}, []string{"--api-key-file", "two contains a space, line break"}},
		"an empty file":             {[]string{"--api-key-file", file("empty", "\n")}, []string{"--api-key-file", "empty holds no key"}},
		"a long file":               {[]string{"--api-key-file", file("long", strings.Repeat("x", 5000))}, []string{"--api-key-file", "larger than 4096 bytes"}},
		"no file":                   {[]string{"--api-key-file", filepath.Join(dir, "none")}, []string{"--api-key-file", "none"}},
		"two keys":                  {[]string{"--api-key", "hunter2", "--api-key-file", file("key", "hunter2")}, []string{"--api-key", "--api-key-file", "not both"}},
		"a certificate alone":       {[]string{"--tls-cert", cert}, []string{"--tls-cert", "--tls-key"}},
		"a key alone":               {[]string{"--tls-key", key}, []string{"--tls-cert", "--tls-key"}},
		"no certificate":            {[]string{"--tls-cert", filepath.Join(dir, "none.pem"), "--tls-key", key}, []string{"--tls-cert", "none.pem"}},
		"a certificate that is not": {[]string{"--tls-cert", key, "--tls-key", key}, []string{"--tls-cert", "cannot be used"}},
		"no public URL":             {[]string{"--public-url", "logs.example.com"}, []string{"--public-url must be a URL", "https://"}},
		"a path of the collector's": {[]string{"--public-url", "https://x/api/y"}, []string{"--public-url", "/api"}},
		"no network":                {[]string{"--trusted-proxy", "10.0.0.0/8,proxy.local"}, []string{"--trusted-proxy", `"proxy.local"`, "10.0.0.0/8"}},
		"a negative drain":          {[]string{"--drain", "-1s"}, []string{"--drain"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}, test.args...)
			if code := Main(args, &stdout, &stderr); code != ExitUsage {
				t.Errorf("exit code %d", code)
			}
			for _, word := range test.says {
				if !strings.Contains(stderr.String(), word) {
					t.Errorf("%q is not in %q", word, &stderr)
				}
			}
			if strings.Contains(stderr.String(), "hunter2") || strings.Contains(stderr.String(), "Config.") {
				t.Errorf("it says %s", &stderr)
			}
		})
	}
	t.Setenv(EnvAPIKey, "\t ")
	var stdout, stderr bytes.Buffer
	if code := Main([]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}, &stdout, &stderr); code != ExitUsage || !strings.Contains(stderr.String(), "$"+EnvAPIKey+" holds no key") {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
}

func TestHelpWarnsThatOthersCanSeeAKey(t *testing.T) {
	for _, args := range [][]string{{"serve", "--help"}, {"show", "--help"}, {"demo", "--help"}, {"doctor", "--help"}, {"spool", "replay", "--help"}} {
		var stdout, stderr bytes.Buffer
		if code := Main(args, &stdout, &stderr); code != ExitOK || !strings.Contains(stdout.String(), "process list") || !strings.Contains(stdout.String(), EnvAPIKey) {
			t.Errorf("troupe %v: exit code %d: %s", args, code, &stdout)
		}
	}
}

// TestServeOnTLS runs the program with all that a deployment gives it, and ends it as an
// orchestrator does.
func TestServeOnTLS(t *testing.T) {
	cert, certKey, pool := certificate(t)
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("opensesame\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--addr", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"), "--tls-cert", cert, "--tls-key", certKey, "--api-key-file", keyFile,
		"--metrics-addr", freeAddress(t), "--drain", "1ms")
	url, _, _ := strings.Cut(strings.TrimPrefix(p.line(), "collecting at "), " ")
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("it serves %s", url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	get := func(url, key string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Maxim-Api-Key", key)
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	if status, text := get(url+"/api/v1/repositories", "opensesame"); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
	if status, _ := get(url+"/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("status %d of /metrics without a key", status)
	}
	signed := "/api/sdk/v1/log-repositories/attachments/upload-url?key=r/x&mimeType=x&size=1"
	if _, text := get(url+signed, "opensesame"); !strings.Contains(text, url+"/api/") {
		t.Errorf("the upload URL is %s", text)
	}
	old := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	metrics := p.cmd.Args[len(p.cmd.Args)-3]
	if status, text := get("http://"+metrics+"/metrics", ""); status != http.StatusOK || !strings.Contains(text, "troupe_lines_total") {
		t.Errorf("status %d of the address for metrics: %.100s", status, text)
	}
	if status, _ := get("http://"+metrics+"/api/v1/repositories", "opensesame"); status != http.StatusNotFound {
		t.Errorf("status %d of another path at the address for metrics", status)
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != ExitOK {
		t.Errorf("exit code %d: %s", code, &p.stderr)
	}
	if said := regexp.MustCompile(`level=(ERROR|WARN) .*`).FindAllString(p.stderr.String(), -1); len(said) > 1 || len(said) == 1 && !strings.Contains(said[0], "TLS handshake") {
		t.Errorf("it says %q", said)
	}
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr())
}

// Reading over http from another machine is refused as logging is, with a way out that works.
func TestAKeyOverHTTPNeedsLeave(t *testing.T) {
	for _, args := range [][]string{
		{"show", "--repo", "r", "--from", "http://192.0.2.1", "--api-key", "hunter2"},
		{"demo", "--to", "http://192.0.2.1", "--api-key", "hunter2"},
		{"import", "--repo", "r", "--to", "http://192.0.2.1", "--api-key", "hunter2", "none.jsonl"},
		{"spool", "replay", "--repo", "r", "--to", "http://192.0.2.1", "--api-key", "hunter2", "--dir", t.TempDir()},
	} {
		var stdout, stderr bytes.Buffer
		if code := Main(args, &stdout, &stderr); code != ExitUsage || !strings.Contains(stderr.String(), "$TROUPE_ALLOW_INSECURE=1") {
			t.Errorf("troupe %v: exit code %d: %s", args[0], code, &stderr)
		}
	}
	t.Setenv("TROUPE_ALLOW_INSECURE", "1")
	if _, err := serverURL("--from", "http://192.0.2.1", "hunter2"); err != nil {
		t.Error(err)
	}
	client, err := connect("http://192.0.2.1", "r", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}
