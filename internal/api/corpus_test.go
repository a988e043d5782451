package api_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/wire"
)

// corpusDir names a folder with recordings of SDKs: files <sdk>.json with
// {"cases":[{"id":…,"raw":[…]}]}, where raw are lines exactly as they were sent.
const corpusDir = "TROUPE_CORPUS_DIR"

func TestRecordedLinesOfSDKsComeBackEqual(t *testing.T) {
	dir := os.Getenv(corpusDir)
	if dir == "" {
		t.Skip("set " + corpusDir + " to a folder with recordings of SDKs to run this test")
	}
	for _, sdk := range []string{"python", "js"} {
		t.Run(sdk, func(t *testing.T) {
			s := start(t, collector.Config{})
			var want []string
			refused, left := 0, 0
			for _, c := range corpus(t, filepath.Join(dir, sdk+".json")) {
				var lines []string
				for _, raw := range c.Raw {
					var line string
					if json.Unmarshal(raw, &line) != nil {
						left++ // a very long line, recorded as its hash
						continue
					}
					lines = append(lines, line)
					if _, err := wire.Parse([]byte(line)); err != nil {
						refused++
					} else {
						want = append(want, line)
					}
				}
				answer := s.post(sdk, strings.Join(lines, "\n"))
				if answer.Refused > 0 && !strings.Contains(c.ID, "trailing_newline") && !strings.Contains(c.ID, "bad_id") {
					t.Errorf("%s: lines were refused: %v", c.ID, answer.Rejected)
				}
			}
			got := s.lines(sdk)
			if !slices.Equal(want, got) {
				t.Errorf("%d lines were sent, %d came back, or some are not equal", len(want), len(got))
			}
			var stats collector.Stats
			s.get("/api/v1/repositories/"+sdk+"/stats", &stats)
			t.Logf("%d lines came back equal; %d broken in two by a newline in an id were refused; %d recorded as a hash were left out; %+v",
				len(got), refused, left, stats)
			s.readAll(sdk)
		})
	}
}

// readAll reads every trace and session of a repository.
func (s *server) readAll(repo string) {
	s.Helper()
	traces := 0
	for next := ""; ; {
		var page collector.Page[collector.TraceSummary]
		s.get("/api/v1/repositories/"+repo+"/traces?limit=500&cursor="+next, &page)
		for _, summary := range page.Data {
			var trace collector.Trace
			s.get("/api/v1/repositories/"+repo+"/traces/"+summary.ID, &trace)
			if trace.ID != summary.ID {
				s.Errorf("asked for trace %q, got %q", summary.ID, trace.ID)
			}
			traces++
		}
		if next = page.Next; next == "" {
			break
		}
	}
	var sessions collector.Page[collector.SessionSummary]
	s.get("/api/v1/repositories/"+repo+"/sessions?limit=500", &sessions)
	for _, summary := range sessions.Data {
		var session collector.Session
		s.get("/api/v1/repositories/"+repo+"/sessions/"+summary.ID, &session)
	}
	s.Logf("%d traces and %d sessions were read", traces, len(sessions.Data))
}

type corpusCase struct {
	ID  string
	Raw []json.RawMessage
}

func corpus(t *testing.T, path string) []corpusCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []corpusCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}
