package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

// The key goes to the origin of the base URL and nowhere else, whatever that says.
func TestS2KeyGoesToNoOtherOrigin(t *testing.T) {
	var keys atomic.Int64
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if strings.Contains(fmt.Sprint(r.Header, r.URL), canaryKey) {
			keys.Add(1)
		}
	})
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		redirect := answering(status, "", "Location", other.URL+"/elsewhere")
		s := serve(t, redirect)
		h := open(t, s.URL)
		for name, err := range map[string]error{
			"log post":   h.Send(t.Context(), batch()),
			"repository": h.Repository(t.Context()),
			"upload-url": h.Upload(t.Context(), plain("hello")),
		} {
			if e := failure(t, err, Misconfigured); e.Status != status {
				t.Errorf("%s, %d: %v", name, status, err)
			}
		}
		p := servePair(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(fmt.Sprint(r.Header, r.URL), canaryKey) {
				keys.Add(1)
			}
			redirect(w, r)
		})
		if e := failure(t, open(t, p.server.URL).Upload(t.Context(), plain("hello")), Misconfigured); e.Status != status {
			t.Errorf("signed PUT, %d: got %v", status, e)
		}
		if s.requests.Load() != 3 || p.storage.requests.Load() != 1 {
			t.Errorf("%d: %d requests to the server and %d to the storage, want 3 and 1", status, s.requests.Load(), p.storage.requests.Load())
		}
	}
	if n := other.requests.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
	if n := keys.Load(); n != 0 {
		t.Errorf("the key was sent to another origin %d times", n)
	}
}

func TestS2StorageGetsNoCookies(t *testing.T) {
	p := servePair(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) != 0 {
			t.Errorf("the storage got %v", r.Cookies())
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/"})
	})
	h := open(t, p.server.URL)
	for range 2 {
		if err := h.Upload(t.Context(), plain("hello")); err != nil {
			t.Fatal(err)
		}
	}
}

// proxyVariable tells a child process where the proxy is.
const proxyVariable = "TRANSPORT_TEST_PROXY"

// A process reads the proxy's variables once, so they are set for a child of this one.
func TestS2ProxySeesNoKey(t *testing.T) {
	if proxy := os.Getenv(proxyVariable); proxy != "" {
		useProxy(t, proxy)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var heads []string // guarded by mu
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			req, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				t.Error(err)
			} else {
				mu.Lock()
				heads = append(heads, fmt.Sprint(req.Method, " ", req.RequestURI, " ", req.Header))
				mu.Unlock()
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestS2ProxySeesNoKey$")
	proxy := "http://" + l.Addr().String()
	child.Env = append(os.Environ(), proxyVariable+"="+proxy, "HTTP_PROXY="+proxy, "HTTPS_PROXY="+proxy, "ALL_PROXY="+proxy, "NO_PROXY=")
	out, err := child.CombinedOutput()
	l.Close()
	group.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(heads) == 0 {
		t.Error("the proxy was not used for https")
	}
	for _, head := range heads {
		if !strings.HasPrefix(head, "CONNECT logs.example.com:443 ") || strings.Contains(head, canaryKey) {
			t.Errorf("the proxy saw %s", head)
		}
	}
}

// useProxy sends a batch over https and over http, and a file to a storage, in a
// process whose variables name a proxy: only the first may go there.
func useProxy(t *testing.T, proxy string) {
	t.Helper()
	secure := open(t, "https://logs.example.com")
	failure(t, secure.Send(t.Context(), batch()), Retry)

	insecure, err := New(Config{BaseURL: "http://logs.example.com", RepositoryID: "repo", APIKey: canaryKey, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	nowhere := errors.New("no connection in this test")
	for name, transport := range map[string]http.RoundTripper{"http": insecure.client.HTTPClient.Transport, "storage": secure.storage.Transport} {
		var dialed []string
		transport.(bounded).RoundTripper.(*http.Transport).DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
			dialed = append(dialed, address)
			return nil, nowhere
		}
		url, want := "https://storage.example.com/x", "storage.example.com:443"
		if name == "http" {
			url, want = "http://logs.example.com/x", "logs.example.com:80"
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transport.RoundTrip(req); !errors.Is(err, nowhere) || len(dialed) != 1 || dialed[0] != want {
			t.Errorf("%s: dialed %q, with the proxy at %s: %v", name, dialed, proxy, err)
		}
	}
}

// A storage of its own, with TLS, is asked for over HTTP/1.1 and without the key, and
// only if its certificate is good.
func TestUploadOverTLS(t *testing.T) {
	var stored []seen
	storage := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" || r.TLS == nil {
			t.Errorf("got %s, TLS %t", r.Proto, r.TLS != nil)
		}
		noting(&stored)(w, r)
	}))
	storage.EnableHTTP2 = true
	silence(storage)
	storage.StartTLS()
	defer storage.Close()
	var puts atomic.Int64
	h := handing(t, "https://example.com/x?"+canarySignature, &puts)
	connections := h.storage.Transport.(bounded).RoundTripper.(*http.Transport)
	connections.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, storage.Listener.Addr().String())
	}
	err := h.Upload(t.Context(), plain("hello"))
	if failure(t, err, Misconfigured); errors.Is(err, ErrUnsafeURL) || len(stored) != 0 {
		t.Errorf("a storage that cannot be trusted: %v", err)
	}
	trustIn(connections, storage)
	if err := h.Upload(t.Context(), plain("hello")); err != nil {
		t.Fatal(err)
	}
	if len(stored) != 1 || stored[0].Body != "hello" || stored[0].Header.Get(protocol.HeaderKey) != "" || puts.Load() != 0 {
		t.Errorf("the storage saw %+v, the server %d uploads", stored, puts.Load())
	}
	if connections.TLSClientConfig.MinVersion != 0x0303 || connections.Proxy != nil || h.storage.Jar != nil {
		t.Error("the storage's connections allow old TLS, a proxy or cookies")
	}
}
