package llm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/llm"
)

const streamRequest = `{"messages":[{"role":"user","content":"Hi"}],"model":"gpt-4o","stream":true}`

// eventually waits until a call of the logger's has come out as wanted.
func (r *rig) eventually(what string, ok func(*generation) bool) *generation {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		all := r.generations()
		if len(all) == 1 && ok(all[0]) {
			return all[0]
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("not so in time: %s; logged were %d generations", what, len(all))
		}
	}
}

func ended(g *generation) bool { return g.ends > 0 }

// half streams the beginning of an answer, and then waits until its end is asked for.
func half(release <-chan struct{}, end func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		streams(eventsKind, sse(`{"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"}}]}`)...)(w, q)
		select {
		case <-release:
		case <-q.Context().Done():
		}
		end(w)
	}
}

func quietly(http.ResponseWriter) {}

func TestThePiecesOfAStreamComeAtOnce(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, llm.Options{}, half(release, func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	resp, err := r.post(r.ctx, "/v1/chat/completions", streamRequest)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 1024)
	n, err := resp.Body.Read(buf) // the server waits: what is buffered would never come
	if err != nil || !strings.Contains(string(buf[:n]), "Hel") {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	close(release)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasSuffix(string(rest), "[DONE]\n\n") {
		t.Errorf("%q, %v", rest, err)
	}
	if g := r.one(); g.at("choices", 0, "message", "content") != "Hello" || g.metadata["ended"] != nil {
		t.Errorf("result %v, metadata %v", g.result(), g.metadata)
	}
}

func TestAStreamThatIsCancelled(t *testing.T) {
	for name, test := range map[string]struct {
		read bool // the caller notices
		kind string
	}{"while it is read": {true, "cancelled"}, "and forgotten": {false, "cancelled"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, half(nil, quietly))
			ctx, cancel := context.WithCancel(r.ctx)
			defer cancel()
			resp, err := r.post(ctx, "/v1/chat/completions", streamRequest)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := resp.Body.Read(make([]byte, 1024)); err != nil {
				t.Fatal(err)
			}
			cancel()
			if test.read {
				if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
					t.Errorf("the caller read %v", err)
				}
			}
			g := r.eventually("it ended", ended)
			if g.at("choices", 0, "message", "content") != "Hel" || g.at("error", "type") != test.kind || g.metadata["ended"] != test.kind {
				t.Errorf("result %v, metadata %v", g.result(), g.metadata)
			}
			resp.Body.Close()
			r.one()
		})
	}
}

func TestAStreamWhoseDeadlinePasses(t *testing.T) {
	r := newRig(t, llm.Options{}, half(nil, quietly))
	ctx, cancel := context.WithTimeout(r.ctx, 50*time.Millisecond)
	defer cancel()
	resp, err := r.post(ctx, "/v1/chat/completions", streamRequest)
	if err != nil {
		t.Skipf("the deadline passed before the answer began: %v", err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller read %v", err)
	}
	if g := r.eventually("it ended", ended); g.at("error", "type") != "timeout" {
		t.Errorf("result %v", g.result())
	}
	r.one()
}

func TestAStreamThatBreaksOff(t *testing.T) {
	release := make(chan struct{})
	close(release)
	for name, test := range map[string]struct {
		end  func(http.ResponseWriter)
		kind string
	}{
		"the connection": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "broken"},
		"the stream":     {quietly, "truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, half(release, test.end))
			resp, err := r.post(r.ctx, "/v1/chat/completions", streamRequest)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadAll(resp.Body)
			if want := test.kind == "broken"; (err != nil) != want {
				t.Errorf("the caller read %v", err)
			}
			resp.Body.Close()
			g := r.one()
			if g.at("choices", 0, "message", "content") != "Hel" || g.at("error", "type") != test.kind || g.metadata["ended"] != test.kind {
				t.Errorf("result %v, metadata %v", g.result(), g.metadata)
			}
		})
	}
}

func TestAStreamThatIsClosedEarly(t *testing.T) {
	for name, test := range map[string]struct {
		read    bool
		content any
	}{"after a piece": {true, "Hel"}, "without a look": {false, nil}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, half(nil, quietly))
			resp, err := r.post(r.ctx, "/v1/chat/completions", streamRequest)
			if err != nil {
				t.Fatal(err)
			}
			if test.read {
				if _, err := resp.Body.Read(make([]byte, 1024)); err != nil {
					t.Fatal(err)
				}
			}
			resp.Body.Close()
			resp.Body.Close()
			g := r.one()
			if g.at("choices", 0, "message", "content") != test.content || g.at("error") != nil || g.metadata["ended"] != "closed early" {
				t.Errorf("result %v, metadata %v", g.result(), g.metadata)
			}
		})
	}
}

func TestAWholeAnswerNeedsNoEndOfItsBody(t *testing.T) {
	for name, test := range map[string]struct {
		path, request, kind, body string
		read                      int // bytes
	}{
		"json":   {"/v1/chat/completions", chatRequest, jsonKind, `{"choices":[{"message":{"content":"Hello"}}]}` + "   ", 45},
		"events": {"/v1/chat/completions", streamRequest, eventsKind, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\ndata: [DONE]\n\n: bye\n\n", 78},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, answers(test.kind, test.body))
			resp, err := r.post(r.ctx, test.path, test.request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, test.read)); err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if g := r.one(); g.at("choices", 0, "message", "content") != "Hello" || g.metadata["ended"] != nil {
				t.Errorf("result %v, metadata %v", g.result(), g.metadata)
			}
		})
	}
}

// brokenCloser is a body whose Close fails.
type brokenCloser struct{ io.Reader }

var errClose = errors.New("close failed")

func (brokenCloser) Close() error { return errClose }

func TestWhatTheBodyReturnsIsTheBodys(t *testing.T) {
	r := newRig(t, llm.Options{}, answers(jsonKind, ""))
	errRead := errors.New("read failed")
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(chatRequest))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := llm.Middleware(req, func(sent *http.Request) (*http.Response, error) {
		reader := io.MultiReader(strings.NewReader(`{"a`), errorReader{errRead})
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: brokenCloser{reader}, Request: sent}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Request != req {
		t.Error("the answer is not that of the caller's request")
	}
	if got, err := io.ReadAll(resp.Body); string(got) != `{"a` || !errors.Is(err, errRead) {
		t.Errorf("read %q, %v", got, err)
	}
	if err := resp.Body.Close(); !errors.Is(err, errClose) {
		t.Errorf("Close = %v", err)
	}
	if g := r.one(); g.at("error", "message") != "read failed" {
		t.Errorf("result %v", g.result())
	}
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }
