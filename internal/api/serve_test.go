package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// serve runs Serve on a free port until the test ends and returns the address.
func serve(t *testing.T, cfg collector.Config) string {
	t.Helper()
	cfg.Dir = t.TempDir()
	c, err := collector.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- c.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
			conn.Close()
			t.Error("the collector still listens")
		}
	})
	return listener.Addr().String()
}

func TestOnLoopbackTheHostMustNameThisMachine(t *testing.T) {
	address := serve(t, collector.Config{})
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for host, want := range map[string]int{
		address: 200, "localhost": 200, "LOCALHOST:" + port: 200, "127.1.2.3": 200, "[::1]:" + port: 200, "[::1]": 200,
		"evil.test": 403, "evil.test:" + port: 403, "localhost.evil.test": 403, "127.0.0.1.evil.test": 403,
		"10.0.0.1": 403, "0.0.0.0": 403, "localhost:x:y": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/traces", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("host %q: status %d, want %d", host, answer.StatusCode, want)
		}
	}
}

// elsewhere is a listener that other machines could reach.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func TestWithoutKeyOnlyLoopbackIsServed(t *testing.T) {
	c, err := collector.New(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Serve(t.Context(), elsewhere{listener}); !errors.Is(err, collector.ErrNoKey) {
		t.Errorf("error %v, want ErrNoKey", err)
	}
	if conn, err := listener.Accept(); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	const limit = 1024
	address := serve(t, collector.Config{})
	request := func(conn net.Conn) {
		fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	answered := func(conn net.Conn) error {
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			conn.Close()
		}
	}()
	for range limit {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		request(conn)
		if err := answered(conn); err != nil {
			t.Fatal(err)
		}
	}
	late, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	request(late)
	done := make(chan error, 1)
	go func() { done <- answered(late) }()
	request(open[0]) // all others are still served while the late one waits
	if err := answered(open[0]); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("connection %d was served (%v)", limit+1, err)
	default:
	}
	open[0].Close() // makes room
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAFolderIsUsedByOneCollectorAtATime(t *testing.T) {
	dir := t.TempDir()
	first, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collector.New(collector.Config{Dir: dir}); !errors.Is(err, collector.ErrInUse) {
		t.Errorf("a second New = %v, want ErrInUse", err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatalf("New after Close = %v", err)
	}
	if err := again.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAPageOfAnotherSiteCannotWrite(t *testing.T) {
	c, err := collector.New(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	post := func(origin string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/api/sdk/v3/log?id=r",
			strings.NewReader(`trace{id=t,action=create,data={}}`))
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Code
	}
	if got := post("https://evil.example"); got != http.StatusForbidden {
		t.Errorf("a post from another site is answered %d, want 403", got)
	}
	if got := post(""); got != http.StatusOK {
		t.Errorf("a post of an SDK is answered %d, want 200", got)
	}
}

// SQLite removes its write-ahead log when the last connection goes: where it stays,
// a connection did.
func TestCloseLeavesNoConnectionBehind(t *testing.T) {
	dir := t.TempDir()
	c, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/api/sdk/v3/log?id=r",
		strings.NewReader(`trace{id=t,action=create,data={}}`)))
	if err := errors.Join(c.WaitIndexed(t.Context()), c.Close(t.Context())); err != nil || w.Code != http.StatusOK {
		t.Fatalf("answered %d, %v", w.Code, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*-wal"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
