package collector_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/troupelog/troupe/collector"
)

// A program or a test starts a collector in its own process and points its logger to URL.
func ExampleStart() {
	server, err := collector.Start(collector.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close(context.Background())

	answer, err := http.Get(server.URL() + "/healthz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 200 OK
}

// A Collector is an http.Handler and can be part of another server.
func ExampleNew() {
	c, err := collector.New(collector.Config{APIKey: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/", c)
	for _, key := range []string{"wrong", "secret"} {
		r := httptest.NewRequest(http.MethodPost, "/api/sdk/v3/log?id=my-agents", strings.NewReader("trace{id=t,action=create,data={}}"))
		r.Header.Set("x-maxim-api-key", key)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, r)
		fmt.Println(answer.Code)
	}
	// Output:
	// 401
	// 200
}
