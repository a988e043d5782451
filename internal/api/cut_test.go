package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// cut sends a request whose body promises more than it has. Then it says that nothing
// more will come, or, if it waits, nothing. It returns the answer.
func (s *server) cut(method, target, body string, wait bool, headers ...string) (int, string) {
	s.Helper()
	address := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, strings.TrimPrefix(target, s.url), address, len(body)+10)
	for i := 0; i < len(headers); i += 2 {
		fmt.Fprintf(conn, "%s: %s\r\n", headers[i], headers[i+1])
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	if !wait {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			s.Fatal(err)
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

const logPath = "/api/sdk/v3/log?id=r"

func TestABodyThatIsCutOffIsToBeSentAgain(t *testing.T) {
	s := start(t, collector.Config{})
	packed := zipped(t, strings.NewReader(created+"\n"+ended)).String()
	for name, body := range map[string][]string{
		"plain": {created}, "gzip": {packed, "Content-Encoding", "gzip"},
		"the header of gzip": {packed[:5], "Content-Encoding", "gzip"}, "nothing": {""},
		"zstd": {zstded(t, created), "Content-Encoding", "zstd"}, "nothing of zstd": {"", "Content-Encoding", "zstd"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{t, s.Collector, s.url, ""}
			status, text := s.cut("POST", logPath, body[0], false, body[1:]...)
			s.wantError(status, text, http.StatusRequestTimeout, "incomplete")
		})
	}
	// One that came whole and is damaged must not be sent again.
	status, text := s.do("POST", logPath, strings.NewReader(packed[:len(packed)-5]), "Content-Encoding", "gzip")
	s.wantError(status, text, http.StatusBadRequest, "bad_request")
	equal(t, []string{}, s.lines("r"))
}

func TestABodyThatIsTooSlowIsToBeSentAgain(t *testing.T) {
	c, err := collector.New(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The time for the body is up once its header is there.
		if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil {
			t.Error(err)
		}
		c.ServeHTTP(w, r)
	}))
	defer func() {
		h.Close()
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	s := &server{t, c, h.URL, ""}
	status, text := s.cut("POST", logPath, created, true)
	s.wantError(status, text, http.StatusRequestTimeout, "incomplete")
}

func TestUploadsThatAreCutOffLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	s := start(t, collector.Config{Dir: dir})
	status, text := s.cut("PUT", s.signed("r/a", "text/plain", 50), "hello", false)
	s.wantError(status, text, http.StatusRequestTimeout, "incomplete")
	if files, err := os.ReadDir(filepath.Join(dir, "blobs")); err != nil || len(files) != 0 {
		t.Errorf("%d files are left behind (%v)", len(files), err)
	}
	status, text = s.attachmentOf("r", "r/a")
	s.wantError(status, text, http.StatusNotFound, "not_found")
}

func TestUploadsOfAKilledProcessAreRemovedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	c, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(c)
	s := &server{t, c, h.URL, ""}
	if status, text := s.do("PUT", s.signed("r/a", "text/plain", 5), strings.NewReader("whole")); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	h.Close()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What a process leaves that is killed while it writes.
	part := filepath.Join(dir, "blobs", strings.Repeat("a", 64)+".0123456789abcdef.part")
	if err := os.WriteFile(part, []byte(`{"key":"r/b"`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, collector.Config{Dir: dir})
	if _, err := os.Stat(part); !os.IsNotExist(err) {
		t.Errorf("the part is still there (%v)", err)
	}
	if status, text := s.attachmentOf("r", "r/a"); status != http.StatusOK || text != "whole" {
		t.Errorf("status %d: %s", status, text)
	}
}

func TestLinesMayEndAsOnWindows(t *testing.T) {
	s := start(t, collector.Config{})
	equal(t, collector.Ingested{Accepted: 2}, s.post("r", created+"\r\n\r\n"+ended+"\r\n"))
	equal(t, []string{created, ended}, s.lines("r"))
	large := `trace{id=t1,action=update,data={"input":"large"}}` + "\r\n"
	if status, text := s.do("PUT", s.signed("r/large-logs/u", "text/plain", len(large)), strings.NewReader(large)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	s.post("r", `storage{id=u,action=process-large-log,data={"key":"r/large-logs/u"}}`+"\r\n")
	var got collector.Trace
	s.get("/api/v1/repositories/r/traces/t1", &got)
	equal(t, `"large"`, string(got.Input))
}
