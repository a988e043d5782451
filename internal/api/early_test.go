package api_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// Most clients send all of a body before they read the answer. They get to read why they
// were refused, whatever the reason and however large the body.
func TestARefusedBodyIsAnsweredAndNotReset(t *testing.T) {
	address := serve(t, collector.Config{APIKey: "right"})
	const size = 40 << 20
	for name, test := range map[string]struct {
		request string
		want    int
	}{
		"larger than the limit":           {"POST /api/sdk/v3/log?id=r HTTP/1.1\r\nX-Maxim-Api-Key: right\r\n", 413},
		"larger than the limit, of spans": {"POST /v1/traces?id=r HTTP/1.1\r\nContent-Type: application/json\r\nX-Maxim-Api-Key: right\r\n", 413},
		"with a wrong key":                {"POST /api/sdk/v3/log?id=r HTTP/1.1\r\nX-Maxim-Api-Key: wrong\r\n", 401},
		"without a repository":            {"POST /api/sdk/v3/log HTTP/1.1\r\nX-Maxim-Api-Key: right\r\n", 400},
		"to a URL that was not signed":    {"PUT /api/sdk/v1/uploads?key=r/x&size=1 HTTP/1.1\r\n", 403},
		"to nowhere":                      {"POST /nowhere HTTP/1.1\r\n", 404},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %t", name, chunked), func(t *testing.T) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				head, body := "Content-Length: "+fmt.Sprint(size)+"\r\n\r\n", io.Reader(bytes.NewReader(make([]byte, size)))
				if chunked {
					part := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat("x", 1<<20))
					head, body = "Transfer-Encoding: chunked\r\n\r\n", strings.NewReader(strings.Repeat(part, size>>20)+"0\r\n\r\n")
				}
				if _, err := io.WriteString(conn, test.request+"Host: localhost\r\n"+head); err != nil {
					t.Fatal(err)
				}
				if n, err := io.Copy(conn, body); err != nil {
					t.Fatalf("the connection failed after %d bytes of the body: %v", n, err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatalf("the answer cannot be read: %v", err)
				}
				defer answer.Body.Close()
				text, err := io.ReadAll(answer.Body)
				if err != nil || answer.StatusCode != test.want || !bytes.Contains(text, []byte(`"message":"`)) {
					t.Errorf("status %d: %.200s, %v; want %d", answer.StatusCode, text, err, test.want)
				}
			})
		}
	}
}

// A client that waits for leave to send its body is not given it.
func TestARefusedBodyIsNotAskedFor(t *testing.T) {
	address := serve(t, collector.Config{APIKey: "right"})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/sdk/v3/log?id=r HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 40<<20)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d: %s, %v", answer.StatusCode, text, err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection goes on: %v", err)
	}
}
