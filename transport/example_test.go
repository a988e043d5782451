package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/troupelog/troupe/transport"
)

func ExampleHTTP_Send() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()

	h, err := transport.New(transport.Config{BaseURL: server.URL, RepositoryID: "repository", APIKey: "key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	err = h.Send(context.Background(), transport.Batch{
		Body:  []byte(`trace{id=t1,action=create,data={}}`),
		Lines: 1,
	})
	var failed *transport.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Kind, failed.Status, failed.RetryAfter)
	}
	// Output: throttled 429 20s
}

func ExampleBackoff() {
	for attempt := range 4 {
		d := transport.Backoff(attempt, 0, rand.Float64)
		fmt.Println(d >= 500*time.Millisecond, d <= time.Second<<attempt)
	}
	// Output:
	// true true
	// true true
	// true true
	// true true
}

func ExampleHTTP_Upload() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			fmt.Println("stored", r.ContentLength, "bytes of", r.Header.Get("Content-Type"))
			return
		}
		fmt.Fprintf(w, `{"data":{"url":"http://%s/bucket/a-1?signature=abc"}}`, r.Host)
	}))
	defer server.Close()

	h, err := transport.New(transport.Config{BaseURL: server.URL, RepositoryID: "repository", APIKey: "key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	err = h.Upload(context.Background(), transport.File{
		Key:  "repository/trace/t1/files/original/a-1",
		MIME: "text/plain",
		Size: 5,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil },
	})
	fmt.Println(err)
	// Output:
	// stored 5 bytes of text/plain
	// <nil>
}
