package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// envMaximJS names a folder in which npm has installed @maximai/maxim-js, and uuid,
// which it needs and does not name.
const envMaximJS = "MAXIM_JS"

// The JavaScript SDK of another vendor logs one of everything to a collector, as it is
// published, and all of it is there.
func TestMaximJSLogsToTheCollector(t *testing.T) {
	packages := os.Getenv(envMaximJS)
	if packages == "" {
		t.Skipf("$%s is not set: it names a folder in which npm install @maximai/maxim-js uuid was run", envMaximJS)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "maxim.cjs"))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(packages, "node_modules"), "BASE_URL=http://"+s.addr, "API_KEY=any", "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := s.c.WaitIndexed(ctx); err != nil {
		t.Fatal(err)
	}

	var session collector.Session
	s.get("/api/v1/repositories/js/sessions/s1", &session)
	if session.Name != "a session" || string(session.Tags["plan"]) != `"gold"` || len(session.Feedback) != 1 || len(session.Traces) != 1 {
		t.Errorf("session %+v", session)
	}
	var trace collector.Trace
	s.get("/api/v1/repositories/js/traces/t1", &trace)
	if trace.SessionID != "s1" || trace.Status != "error" || text(trace.Input) != "What is the weather?" || text(trace.Output) != "It is sunny." ||
		len(trace.Events) != 1 || len(trace.Attachments) != 3 {
		t.Errorf("trace: session %q, %s, input %s, output %s, %d events, %d attachments",
			trace.SessionID, trace.Status, trace.Input, trace.Output, len(trace.Events), len(trace.Attachments))
	}
	for kind, want := range map[string]int{"span": 2, "generation": 2, "retrieval": 1, "tool_call": 1, "error": 1} {
		if got := trace.Totals.Entities[kind]; got != want {
			t.Errorf("%d of kind %s, want %d", got, kind, want)
		}
	}
	if u := trace.Totals.Usage; u.Input != 11 || u.Output != 4 {
		t.Errorf("usage %+v", u)
	}
	nodes := map[string]*collector.Node{}
	var walk func(n *collector.Node)
	walk = func(n *collector.Node) {
		nodes[n.ID] = n
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(&trace.Node)
	if g := nodes["g1"]; g == nil || g.Model != "gpt-4o" || g.Provider != "openai" || len(g.Messages) != 1 || !strings.Contains(string(g.Result), "Sunny.") {
		t.Errorf("generation %+v", g)
	}
	if g := nodes["g2"]; g == nil || g.Status != "error" {
		t.Errorf("failed generation %+v", g)
	}
	if c := nodes["c1"]; c == nil || c.Name != "weather" || text(c.Args) != `{"place":"Kyiv"}` || text(c.Result) != `{"sky":"clear"}` {
		t.Errorf("tool call %+v", c)
	}
	if r := nodes["rt1"]; r == nil || text(r.Input) != "weather" || !strings.Contains(string(r.Docs), "two") {
		t.Errorf("retrieval %+v", r)
	}
	if large := nodes["sp2"]; large == nil || len(large.Metadata["text"]) < 1_200_000 {
		t.Error("the large line is not folded from its upload")
	}
	contents := map[string]bool{}
	for _, raw := range trace.Attachments {
		var a struct{ Key, Type string }
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		if a.Type != "url" {
			contents[s.body("/api/v1/repositories/js/attachments?key="+url.QueryEscape(a.Key))] = true
		}
	}
	if !contents["attached by its path"] || !contents["attached as bytes"] {
		t.Errorf("attachments hold %v", contents)
	}
}

// text returns what a JSON string says, or the JSON.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
