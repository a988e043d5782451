package api_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// ready asks a collector whether it is ready.
func (s *server) ready() (status int, text string) {
	s.Helper()
	return s.do("GET", "/readyz", nil)
}

func TestHealthIsThatOfTheProcess(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	if status, text := s.do("GET", "/readyz", nil, "x-maxim-api-key", ""); status != http.StatusOK {
		t.Errorf("status %d of /readyz: %s", status, text)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, text := s.do("GET", "/healthz", nil, "x-maxim-api-key", ""); status != http.StatusOK {
		t.Errorf("status %d of /healthz without a log: a restart would mend nothing: %s", status, text)
	}
	if status, text := s.ready(); status != http.StatusServiceUnavailable || !strings.Contains(text, "closed") {
		t.Errorf("status %d of /readyz without a log: %s", status, text)
	}
}

func TestNotReadyWhereNothingCanBeStored(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, collector.Config{Dir: dir})
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Rename(dir+".moved", dir) })
	status, text := s.ready()
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "cannot be written: no such file") || strings.Contains(text, dir) {
		t.Errorf("status %d: %s", status, text)
	}
}

// running is a collector that Serve runs until stop.
type running struct {
	address string
	stop    context.CancelFunc
	served  chan error
}

func run(t *testing.T, cfg collector.Config) *running {
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
	r := &running{listener.Addr().String(), cancel, make(chan error, 1)}
	go func() { r.served <- c.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// ask asks over a new connection, as a balancer does.
func (r *running) ask(t *testing.T, method, path, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func TestDraining(t *testing.T) {
	r := run(t, collector.Config{Drain: 2 * time.Second})
	if got := r.ask(t, "GET", "/readyz", ""); got != http.StatusOK {
		t.Fatalf("status %d of /readyz at first", got)
	}
	r.stop()
	for deadline := time.Now().Add(time.Minute); r.ask(t, "GET", "/readyz", "") != http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatal("/readyz does not say that the collector is about to stop")
		}
	}
	if got := r.ask(t, "POST", "/api/sdk/v3/log?id=r", "trace{id=t,action=create,data={}}"); got != http.StatusOK {
		t.Errorf("status %d of a post while the balancer does not know yet", got)
	}
	if got := r.ask(t, "GET", "/healthz", ""); got != http.StatusOK {
		t.Errorf("status %d of /healthz meanwhile", got)
	}
	if err := <-r.served; err != nil {
		t.Error(err)
	}
}

// A request that has begun is answered, although nobody can connect any more, and readers
// who follow are let go.
func TestRequestsUnderWayAreFinished(t *testing.T) {
	r := run(t, collector.Config{})
	live, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	io.WriteString(live, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := live.Read(make([]byte, 1)); err != nil { // the header: it follows
		t.Fatal(err)
	}
	post, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer post.Close()
	line := "trace{id=t,action=create,data={}}"
	io.WriteString(post, "POST /api/sdk/v3/log?id=r HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 33\r\n\r\n")
	reader := bufio.NewReader(post)
	if asked, err := reader.ReadString('\n'); err != nil || !strings.Contains(asked, "100") {
		t.Fatalf("%q, %v", asked, err) // the collector reads the body
	}
	reader.ReadString('\n')
	r.stop()
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the collector goes on to listen")
		}
	}
	io.WriteString(post, line)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
	if _, err := io.Copy(io.Discard, live); err != nil {
		t.Errorf("the stream was broken off: %v", err)
	}
	if err := <-r.served; err != nil {
		t.Error(err)
	}
}

func TestLogRequestsAfterCloseAreUnavailable(t *testing.T) {
	s := start(t, collector.Config{})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader("trace{id=x,action=create,data={}}"))
	if status != http.StatusServiceUnavailable || !strings.Contains(text, `"unavailable"`) {
		t.Errorf("status %d: %s", status, text)
	}
}
