package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

func TestDemoLogsEveryKindOfEntity(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	out, _ := command(t, ExitOK, "demo", "--to", url, "--rounds", "2")
	if !strings.Contains(out, url+"/traces?repo=demo") {
		t.Errorf("the demo says %q", out)
	}
	var stats collector.Stats
	if err := json.Unmarshal([]byte(body(t, url+"/api/v1/repositories/demo/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"session", "trace", "span", "generation", "retrieval", "tool_call", "error"} {
		if stats.Entities[kind] == 0 {
			t.Errorf("there is no %s: %v", kind, stats.Entities)
		}
	}
	// A session, a trace in it and a tool call there are still at work.
	if stats.Open != 3 {
		t.Errorf("%d are open, want 3", stats.Open)
	}
	lines := body(t, url+"/api/v1/repositories/demo/lines?limit=100000")
	for _, what := range []string{"add-feedback", "add-attachment", "add-event", "9007199254740993", "429"} {
		if !strings.Contains(lines, what) {
			t.Errorf("there is no %s", what)
		}
	}
}
