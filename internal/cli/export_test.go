package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// demoTraces starts a collector with a demo and returns the ids of traces by name.
func demoTraces(t *testing.T) (url string, ids map[string][]string) {
	t.Helper()
	url = collectorURL(t, collector.Config{})
	command(t, ExitOK, "demo", "--to", url, "--rounds", "2")
	var page collector.Page[collector.TraceSummary]
	if err := json.Unmarshal([]byte(body(t, url+"/api/v1/repositories/demo/traces?limit=500")), &page); err != nil {
		t.Fatal(err)
	}
	ids = map[string][]string{}
	for _, summary := range page.Data {
		ids[summary.Name] = append(ids[summary.Name], summary.ID)
	}
	return url, ids
}

func TestExportsOfARepository(t *testing.T) {
	url, _ := demoTraces(t)
	from := []string{"--from", url, "--repo", "demo"}

	lines := filepath.Join(t.TempDir(), "lines.jsonl")
	command(t, ExitOK, slices.Concat([]string{"export", "--out", lines}, from)...)
	text, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	if want := body(t, url+"/api/v1/repositories/demo/lines?limit=100000"); string(text) != want {
		t.Errorf("%d bytes are exported, want %d", len(text), len(want))
	}

	chats, told := command(t, ExitOK, slices.Concat([]string{"export", "--format", "tuning"}, from)...)
	for line := range strings.Lines(chats) {
		var chat struct{ Messages []struct{ Role string } }
		if err := json.Unmarshal([]byte(line), &chat); err != nil || len(chat.Messages) < 2 || chat.Messages[len(chat.Messages)-1].Role != "assistant" {
			t.Fatalf("%v in %.200s", err, line)
		}
	}
	if !strings.Contains(told, "wrote ") || !strings.Contains(told, "generations: the call failed") {
		t.Errorf("export says %q", told)
	}

	spans, _ := command(t, ExitOK, slices.Concat([]string{"export", "--format", "otlp"}, from)...)
	for line := range strings.Lines(spans) {
		var traces struct{ ResourceSpans []json.RawMessage }
		if err := json.Unmarshal([]byte(line), &traces); err != nil || len(traces.ResourceSpans) == 0 {
			t.Fatalf("%v in %.200s", err, line)
		}
	}
}

func TestExportsOfATrace(t *testing.T) {
	url, ids := demoTraces(t)
	for format, says := range map[string][]string{
		"markdown": {"# ", "get_reservation", "I found 4WQ150"},
		"html":     {"<!doctype html>", "get_reservation", "I found 4WQ150"},
	} {
		out, _ := command(t, ExitOK, "export", "--from", url, "--repo", "demo", "--format", format, ids["turn"][len(ids["turn"])-1])
		for _, text := range says {
			if !strings.Contains(out, text) && !strings.Contains(strings.ToLower(out), text) {
				t.Errorf("%s has no %q: %.300s", format, text, out)
			}
		}
	}
}

func TestExportReportsWrongArguments(t *testing.T) {
	url := collectorURL(t, collector.Config{})
	from := []string{"--from", url, "--repo", "demo"}
	for says, args := range map[string][]string{
		"--format":   {"--format", "pdf"},
		"give its":   {"--format", "html"},
		"whole repo": {"an-id"},
	} {
		if _, told := command(t, ExitUsage, slices.Concat([]string{"export"}, from, args)...); !strings.Contains(told, says) {
			t.Errorf("%v: %q does not say %q", args, told, says)
		}
	}
	if _, told := command(t, ExitFailure, slices.Concat([]string{"export", "--format", "html", "none"}, from)...); !strings.Contains(told, "troupe show") {
		t.Errorf("%q does not say what to do", told)
	}
}

func TestDiffComparesTraces(t *testing.T) {
	url, ids := demoTraces(t)
	from := []string{"--from", url, "--repo", "demo"}
	task, question := ids["task"], ids["question"]

	out, _ := command(t, ExitOK, slices.Concat([]string{"diff", task[0], task[0]}, from)...)
	if !strings.Contains(out, "0 changed, 0 only in A, 0 only in B") {
		t.Errorf("a trace and itself: %s", out)
	}
	out, told := command(t, ExitFailure, slices.Concat([]string{"diff", task[0], question[0]}, from)...)
	if !strings.Contains(out, "\n-") || !strings.Contains(out, "\n+") || !strings.Contains(told, "differ") {
		t.Errorf("two traces: %s%s", out, told)
	}
	out, _ = command(t, ExitFailure, slices.Concat([]string{"diff", "--json", "--all", task[0], question[0]}, from)...)
	var report diffJSON
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.OnlyA == 0 || report.OnlyB == 0 ||
		len(report.Rows) != report.Same+report.Changed+report.OnlyA+report.OnlyB {
		t.Errorf("%v in %+v", err, report)
	}
	command(t, ExitUsage, slices.Concat([]string{"diff", "--sort", "name", "a", "b"}, from)...)
	command(t, ExitFailure, slices.Concat([]string{"diff", "a", "b"}, from)...)
}
