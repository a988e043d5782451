package sink_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/troupelog/troupe/bench/internal/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve returns the base URL of a fresh sink.
func serve(t *testing.T) string {
	server := httptest.NewServer(sink.New())
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL
}

func fetch(t *testing.T, url string) sink.Stats {
	t.Helper()
	s, err := sink.Fetch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post sends a body and returns the status.
func post(t *testing.T, url, encoding string, body []byte) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func zipped(t *testing.T, body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEachProtocolIsCounted(t *testing.T) {
	url := serve(t)
	lines, packed := []byte("a\nb\nc"), zipped(t, []byte("d\ne\n"))
	events := []byte(`{"api_key":"k","batch":[{"event":"a{[\"","properties":{"x":[{"y":1}]}},{"event":"\\"}]}`)
	spans := request(2, 3)
	for _, sent := range []struct {
		path, encoding string
		body           []byte
	}{
		{"/api/sdk/v3/log?id=bench", "", lines}, {"/api/sdk/v3/log?id=bench", "gzip", packed},
		{"/batch/", "", events}, {"/v1/traces", "", spans},
	} {
		if status := post(t, url+sent.path, sent.encoding, sent.body); status != http.StatusOK {
			t.Errorf("%s: status %d, want 200", sent.path, status)
		}
	}
	want := sink.Stats{
		Lines: 5, Events: 2, Spans: 5, Requests: 4, Bytes: int64(len(lines) + len(packed) + len(events) + len(spans)),
	}
	if diff := cmp.Diff(want, fetch(t, url)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if err := sink.Reset(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sink.Stats{}, fetch(t, url)); diff != "" {
		t.Errorf("counts after a reset (-want +got):\n%s", diff)
	}
}

func TestBodyThatEndsEarlyIsNotCounted(t *testing.T) {
	url := serve(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /api/sdk/v3/log?id=bench HTTP/1.1\r\nHost: sink\r\nContent-Length: 100\r\n\r\none\ntwo\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	conn.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d, want 400", resp.StatusCode)
	}
	if diff := cmp.Diff(sink.Stats{}, fetch(t, url)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestBodyThatIsNotUnderstoodIsNotCounted(t *testing.T) {
	url := serve(t)
	for name, sent := range map[string]struct {
		path, encoding string
		body           []byte
	}{
		"spans cut off":    {"/v1/traces", "", request(3)[:40]},
		"events cut off":   {"/batch/", "", []byte(`{"batch":[{"event":"a"},{"ev`)},
		"not gzip":         {"/v1/traces", "gzip", request(1)},
		"gzip, cut off":    {"/v1/traces", "gzip", zipped(t, request(1))[:20]},
		"events, unclosed": {"/batch/", "", []byte(`{"batch":[{}`)},
	} {
		if status := post(t, url+sent.path, sent.encoding, sent.body); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, status)
		}
	}
	if diff := cmp.Diff(sink.Stats{}, fetch(t, url)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestAnswersWaitForTheLatency(t *testing.T) {
	const latency = 30 * time.Millisecond
	url := serve(t)
	if err := sink.Delay(t.Context(), url, latency); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	post(t, url+"/api/sdk/v3/log?id=bench", "", []byte("line"))
	if took := time.Since(began); took < latency {
		t.Errorf("the answer came after %s, want at least %s", took, latency)
	}
}

func TestServeEndsWithItsInput(t *testing.T) {
	in, hold := io.Pipe()
	address, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- sink.Serve(in, out) }()
	line, err := bufio.NewReader(address).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sink.Stats{}, fetch(t, strings.TrimSpace(line))); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	http.DefaultClient.CloseIdleConnections()
	hold.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
