package logger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve starts a server behind the middleware of a logger.
func serve(t *testing.T, l *Logger, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(l.Middleware(h))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are part of the tests
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// get asks a server and returns the status and the body; an answer that breaks off has
// the status 0.
func get(ctx context.Context, t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	Inject(ctx, req.Header)
	// A client that keeps connections asks again when one breaks off.
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

func TestMiddlewareLogsEachRequest(t *testing.T) {
	r := newRig(t, Config{}, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ok/{id}", func(w http.ResponseWriter, q *http.Request) {
		FromContext(q.Context()).AddGeneration(GenerationConfig{ID: "g-ok"}).End()
		io.WriteString(w, "fine")
	})
	mux.HandleFunc("/missing", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(errors.New("the pot is empty")) })
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	srv := serve(t, r.Logger, mux)
	for path, want := range map[string]int{"/ok/17?key=SECRET": 200, "/missing": 404, "/broken": 502, "/panic": 0, "/abort": 0} {
		if got, _ := get(t.Context(), t, srv.URL+path); got != want {
			t.Errorf("%s was answered with %d, want %d", path, got, want)
		}
	}
	srv.Close()
	errs := r.close()
	lines := r.lines()
	for _, want := range []struct{ prefix, part string }{
		{"trace", `update {"name":"GET /ok/{id}"}`},
		{"trace", `"http.method":"GET"`},
		{"trace", `"http.status":"200"`},
		{"trace", `"http.status":"404"`},
		{"trace", `"http.status":"502"`},
		{"trace", `"id":"g-ok"`},
		{"trace", `"message":"Bad Gateway","code":"502"`},
		{"trace", `"message":"the pot is empty","errorType":"*errors.errorString"`},
		{"trace", `"http.aborted":"true"`},
	} {
		if !has(lines, want.prefix, want.part) {
			t.Errorf("no line with %s in\n%s", want.part, strings.Join(lines, "\n"))
		}
	}
	count := map[string]int{}
	for _, l := range lines {
		count[strings.Fields(l)[0]+" "+strings.Fields(l)[2]]++
		if strings.Contains(l, "SECRET") || strings.Contains(l, "/17") {
			t.Errorf("the address is logged: %s", l)
		}
	}
	if count["trace create"] != 5 || count["trace end"] != 5 || count["trace add-error"] != 2 {
		t.Errorf("lines %v, want 5 traces and 2 errors", count)
	}
	if len(errs) != 0 {
		t.Errorf("errors %v", errs)
	}
}

func TestMiddlewareContinuesATrace(t *testing.T) {
	client, server := newRig(t, Config{}, nil), newRig(t, Config{}, nil)
	srv := serve(t, server.Logger, http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		FromContext(q.Context()).AddToolCall(ToolCallConfig{ID: "c"}).End()
	}))
	ctx, trace := StartTrace(NewContext(t.Context(), client.Logger), TraceConfig{ID: "t"})
	get(ctx, t, srv.URL)
	trace.End()
	ctx = NewContext(t.Context(), client.Session(SessionConfig{ID: "s"}))
	get(ctx, t, srv.URL)
	srv.Close()
	server.close()
	lines := server.lines()
	if !has(lines, "trace t add-span", `"name":"GET"`) || has(lines, "trace t create") || has(lines, "trace t end") {
		t.Errorf("the request is no span in the trace:\n%s", strings.Join(lines, "\n"))
	}
	if !has(lines, "trace", `"sessionId":"s"`) {
		t.Errorf("the request is no trace in the session:\n%s", strings.Join(lines, "\n"))
	}
	client.close()
}

func TestMiddlewareStreamsAndHandsOver(t *testing.T) {
	r := newRig(t, Config{}, nil)
	seen := make(chan struct{})
	srv := serve(t, r.Logger, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/flush":
			fmt.Fprint(w, "first\n")
			w.(http.Flusher).Flush()
			<-seen
		case "/control":
			w.WriteHeader(http.StatusAccepted)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-seen
		case "/hijack":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			conn.Close()
		case "/copy":
			if _, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("copied")); err != nil {
				t.Error(err)
			}
		}
	}))
	resp, err := http.Get(srv.URL + "/flush")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "first\n" || err != nil {
		t.Errorf("%q, %v before the handler went on", line, err)
	}
	control, err := http.Get(srv.URL + "/control")
	if err != nil || control.StatusCode != http.StatusAccepted {
		t.Errorf("status %v, %v", control, err)
	}
	close(seen)
	resp.Body.Close()
	control.Body.Close()
	for path, want := range map[string]string{"/hijack": "hi", "/copy": "copied"} {
		if _, body := get(t.Context(), t, srv.URL+path); body != want {
			t.Errorf("%s was answered with %q", path, body)
		}
	}
	srv.Close()
	r.close()
	if lines := r.lines(); !has(lines, "trace", `"http.hijacked":"true"`) || !has(lines, "trace", `"http.status":"202"`) {
		t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestMiddlewareOffersWhatTheWriterCan(t *testing.T) {
	r := newRig(t, Config{}, nil)
	type plain struct{ http.ResponseWriter }
	for name, test := range map[string]struct {
		w               http.ResponseWriter
		flushes, hijack bool
	}{
		"plain":   {plain{httptest.NewRecorder()}, false, false},
		"flusher": {httptest.NewRecorder(), true, false},
		"hijacker": {struct {
			plain
			http.Hijacker
		}{plain{httptest.NewRecorder()}, nil}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, flushes := w.(http.Flusher)
				_, hijacks := w.(http.Hijacker)
				if flushes != test.flushes || hijacks != test.hijack {
					t.Errorf("flushes %t, hijacks %t", flushes, hijacks)
				}
			})).ServeHTTP(test.w, httptest.NewRequest(http.MethodGet, "/", nil))
		})
	}
	r.close()
}

func TestMiddlewareKeepsThePanic(t *testing.T) {
	r := newRig(t, Config{}, nil)
	value := &struct{ int }{1}
	defer func() {
		if got := recover(); got != any(value) {
			t.Errorf("panic with %v, want the handler's own value", got)
		}
		r.close()
		if lines := r.lines(); !has(lines, "trace", "end") || has(lines, "trace", "http.status") {
			t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
		}
	}()
	r.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

func TestMiddlewareOfNoLogger(t *testing.T) {
	called := false
	(*Logger)(nil).Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if !called {
		t.Error("the handler was not called")
	}
}
