package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// What ends before it starts took no time, says so, and counts in no statistics.
func TestWhatEndsBeforeItStartsIsNoDuration(t *testing.T) {
	s := start(t, collector.Config{})
	var lines []string
	for _, id := range []string{"neg1", "neg2", "neg3"} {
		lines = append(lines,
			`trace{id=`+id+`,action=create,data={"name":"neg","startTimestamp":"2026-11-30T12:00:05Z"}}`,
			`trace{id=`+id+`,action=add-tool-call,data={"id":"call-`+id+`","name":"slow","startTimestamp":"2026-11-30T12:00:05Z","endTimestamp":"2026-11-30T12:00:01Z"}}`,
			`trace{id=`+id+`,action=end,data={"endTimestamp":"2026-11-30T12:00:01Z"}}`)
	}
	lines = append(lines, `trace{id=pos,action=create,data={"name":"pos","startTimestamp":"2026-11-30T12:00:00Z"}}`,
		`trace{id=pos,action=end,data={"endTimestamp":"2026-11-30T12:00:02Z"}}`)
	s.post("r", strings.ReplaceAll(strings.Join(lines, "\n"), "2026-11-30", time.Now().Add(-24*time.Hour).UTC().Format(time.DateOnly)))

	var page collector.Page[collector.TraceSummary]
	s.get("/api/v1/repositories/r/traces", &page)
	for _, row := range page.Data {
		want := []float64{0, 4000}
		if row.ID == "pos" {
			want = []float64{2000, 0}
		}
		equal(t, want, []float64{row.DurationMS, row.SkewMS})
	}
	n := s.otlpTree("r", "neg1")
	equal(t, []float64{0, 4000, 0, 4000}, []float64{n.DurationMS, n.SkewMS, n.Children[0].DurationMS, n.Children[0].SkewMS})

	status, answer := s.do("GET", "/api/v1/repositories/r/traces/neg1", nil)
	if strings.Contains(answer, `_ms":-`) || status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	for path, has := range map[string]bool{
		"/trace/neg1": true, "/trace/neg1.md": true, "/traces": true, "/trace/pos": false,
	} {
		status, page := s.do("GET", path+"?repo="+url.QueryEscape("r"), nil)
		if status != http.StatusOK || strings.Contains(page, "-4.00") || strings.Contains(page, "4.00 s before it starts") != has {
			t.Errorf("%s: status %d, %s", path, status, page)
		}
	}
	if _, overview := s.do("GET", "/?repo=r", nil); strings.Contains(overview, "about 1 µs") {
		t.Errorf("the overview counts what is no duration: %s", overview)
	}
}
