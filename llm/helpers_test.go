package llm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/logger/loggertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a program that calls models: a logger, a context with a trace, a client whose
// calls are logged, and a server.
type rig struct {
	t      *testing.T
	log    *logger.Logger
	rec    *loggertest.Recorder
	ctx    context.Context
	client *http.Client
	url    string
}

// newRig starts a server that answers calls with h.
func newRig(t *testing.T, o llm.Options, h http.HandlerFunc) *rig {
	t.Helper()
	r := &rig{t: t}
	r.log, r.rec = loggertest.New(t, logger.Config{})
	srv := httptest.NewServer(h)
	base := &http.Transport{}
	r.url, r.client = srv.URL, &http.Client{Transport: llm.Transport(base, o)}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		srv.Close()
	})
	r.ctx, _ = logger.StartTrace(logger.NewContext(t.Context(), r.log), logger.TraceConfig{ID: "t"})
	return r
}

// post sends a body and returns the answer.
func (r *rig) post(ctx context.Context, path, body string, header ...string) (*http.Response, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return r.client.Do(req)
}

// ask sends a body, reads the answer to its end, and returns it.
func (r *rig) ask(path, body string, header ...string) string {
	r.t.Helper()
	resp, err := r.post(r.ctx, path, body, header...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Errorf("the answer broke off: %v", err)
	}
	return string(answer)
}

// generation is what was logged of a call.
type generation struct {
	begun    map[string]any // add-generation
	results  []map[string]any
	metadata map[string]any
	metrics  map[string]any
	updates  map[string]any // any other
	ends     int
}

// result returns the last result.
func (g *generation) result() map[string]any {
	if len(g.results) == 0 {
		return nil
	}
	return g.results[len(g.results)-1]
}

// at returns a value within the result, "" for none: numbers in the path are indices.
func (g *generation) at(path ...any) any { return at(g.result(), path...) }

func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// generations returns what was logged, in the order of the calls, and fails the test for
// what is neither a generation nor the trace.
func (r *rig) generations() []*generation {
	r.t.Helper()
	var all []*generation
	byID := map[string]*generation{}
	for _, l := range r.rec.Lines(r.t) {
		if l.Action == "add-generation" {
			g := &generation{begun: l.Data, metadata: map[string]any{}, metrics: map[string]any{}, updates: map[string]any{}}
			all, byID[l.Data["id"].(string)] = append(all, g), g
			continue
		}
		if l.Entity != "generation" {
			if l.Entity != "trace" && l.Entity != "span" {
				r.t.Errorf("unexpected line %v", l)
			}
			continue
		}
		g := byID[l.ID]
		if g == nil {
			r.t.Errorf("line of an unknown generation: %v", l)
			continue
		}
		g.take(l)
	}
	return all
}

func (g *generation) take(l loggertest.Line) {
	switch l.Action {
	case "result":
		result, _ := l.Data["result"].(map[string]any)
		g.results = append(g.results, result)
	case "end":
		g.ends++
	default:
		for name, value := range l.Data {
			members, _ := value.(map[string]any)
			switch name {
			case "metadata":
				merge(g.metadata, members)
			case "metrics":
				merge(g.metrics, members)
			default:
				g.updates[name] = value
			}
		}
	}
}

func merge(to, from map[string]any) {
	for k, v := range from {
		to[k] = v
	}
}

// one returns the only generation, and fails the test if there is another number, if it
// has not ended once, or if the logger told of an error.
func (r *rig) one() *generation {
	r.t.Helper()
	all := r.generations()
	if len(all) != 1 {
		r.t.Fatalf("%d generations were logged, want 1", len(all))
	}
	if all[0].ends != 1 {
		r.t.Errorf("the generation ended %d times", all[0].ends)
	}
	for _, err := range r.rec.Errors() {
		r.t.Errorf("the logger told of %v", err)
	}
	if doubtful := r.log.Stats().Suspicious; len(doubtful) != 0 {
		r.t.Errorf("doubtful calls: %v", doubtful)
	}
	return all[0]
}

// answers returns a handler that gives a body of a kind.
func answers(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Request-Id", "req_1")
		_, _ = io.WriteString(w, body)
	}
}

// streams returns a handler that gives the pieces one by one, each flushed.
func streams(kind string, pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Request-Id", "req_1")
		for _, piece := range pieces {
			_, _ = io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	}
}

// sse returns server-sent events with the data, named by their type where they have one.
func sse(data ...string) []string {
	var events []string
	for _, d := range data {
		var of struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal([]byte(d), &of)
		if of.Type != "" {
			events = append(events, fmt.Sprintf("event: %s\ndata: %s\n\n", of.Type, d))
			continue
		}
		events = append(events, "data: "+d+"\n\n")
	}
	return events
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}
