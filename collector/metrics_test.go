package collector_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// scrape returns the lines of /metrics that are values, and those that say what they are.
func (s *server) scrape() (values map[string]string, help []string) {
	s.Helper()
	status, text := s.do("GET", "/metrics", nil)
	if status != 200 {
		s.Fatalf("status %d of /metrics: %s", status, text)
	}
	values = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			help = append(help, rest)
		} else if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			values[line[:at]] = line[at+1:]
		}
	}
	return values, help
}

func TestMetrics(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	numbered := []string{protocol.HeaderProducer, strings.Repeat("ab", 16), protocol.HeaderSeq, "1"}
	s.post("r", "trace{id=t,action=create,data={}}\ntrace{id=t,action=end,data={}}\nnonsense", numbered...)
	s.post("r", "trace{id=t,action=create,data={}}\ntrace{id=t,action=end,data={}}", numbered...)
	again := []string{protocol.HeaderProducer, strings.Repeat("cd", 16), protocol.HeaderSeq, "1"}
	for range 2 { // a refused line that comes again is no duplicate
		s.post("r", "trace{id=t,action=end,data={}}\nnonsense", again...)
	}
	spans := []string{"0102030405060708", "0102030405060709", "0102030405060709"}
	for _, span := range spans { // of one trace and session; the third came before
		s.do("POST", "/v1/traces?id=r", strings.NewReader(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"`+span+
			`","parentSpanId":"0102030405060701","name":"x","attributes":[{"key":"session.id","value":{"stringValue":"s"}}]}]}]}]}`), "Content-Type", "application/json")
	}
	s.do("GET", "/api/v1/repositories", nil, "x-maxim-api-key", "wrong")
	s.do("GET", "/nowhere", nil)
	s.do("GET", "/trace/none?repo=r", nil)
	_, text := s.do("GET", "/api/sdk/v1/log-repositories/attachments/upload-url?key=r/f&mimeType=x&size=7", nil)
	var signed struct{ Data struct{ URL string } }
	s.decode(text, &signed)
	s.do("PUT", signed.Data.URL, strings.NewReader("content"))
	if err := s.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitSearchable(t.Context()); err != nil {
		t.Fatal(err)
	}
	values, _ := s.scrape()
	stored := 0
	for _, repository := range []string{"r"} {
		stored += len(s.lines(repository))
	}
	for name, want := range map[string]string{
		`troupe_lines_total{result="accepted"}`:                                                    fmt.Sprint(stored),
		`troupe_lines_total{result="duplicate"}`:                                                   "4",
		`troupe_lines_total{result="refused"}`:                                                     "3",
		`troupe_append_seconds_count`:                                                              "7",
		`troupe_append_lines_sum`:                                                                  fmt.Sprint(stored),
		`troupe_append_lines_count`:                                                                "7",
		`troupe_wrong_keys_total`:                                                                  "1",
		`troupe_upload_bytes_total`:                                                                "7",
		`troupe_ready`:                                                                             "1",
		`troupe_behind_blocks{job="fold"}`:                                                         "0",
		`troupe_behind_blocks{job="search"}`:                                                       "0",
		`troupe_behind_seconds{job="fold"}`:                                                        "0",
		`troupe_faults_total{job="fold"}`:                                                          "0",
		`troupe_http_answers_total{route="POST /api/sdk/v3/log",status="200"}`:                     "4",
		`troupe_http_answers_total{route="GET /api/v1/repositories",status="401"}`:                 "1",
		`troupe_http_answers_total{route="none",status="404"}`:                                     "1",
		`troupe_http_answers_total{route="GET /trace/{id}",status="401"}`:                          "",
		`troupe_http_answers_total{route="PUT /api/sdk/v1/uploads",status="200"}`:                  "1",
		`troupe_http_answers_total{route="GET /trace/{id}",status="404"}`:                          "1",
		`troupe_http_answers_total{route="GET /api/v1/repositories/{repo}/traces",status="200"}`:   "",
		`troupe_http_answers_total{route="GET /api/v1/repositories/{repo}/lines",status="200"}`:    "",
		`troupe_http_answers_total{route="GET /api/v1/repositories/{repo}/sessions",status="200"}`: "",
	} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	if status, _ := s.do("GET", "/metrics", nil, "x-maxim-api-key", "wrong"); status != 401 {
		t.Errorf("status %d of /metrics with a wrong key", status)
	}
}

func TestRefusedLinesCountWhenTheirRequestIsStored(t *testing.T) {
	s := start(t, collector.Config{})
	if err := s.Close(t.Context()); err != nil { // so that nothing can be stored
		t.Fatal(err)
	}
	if status, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader("trace{id=t,action=create,data={}}\nnonsense")); status != http.StatusServiceUnavailable {
		t.Fatalf("status %d: %s", status, text)
	}
	values, _ := s.scrape()
	for name, want := range map[string]string{
		`troupe_lines_total{result="accepted"}`:  "0",
		`troupe_lines_total{result="duplicate"}`: "0",
		`troupe_lines_total{result="refused"}`:   "0",
		`troupe_behind_blocks{job="fold"}`:       "NaN",
		`troupe_behind_seconds{job="search"}`:    "NaN",
	} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
}

// The table in docs/reference/metrics.md has every metric with what the collector says of it, and no
// others.
func TestTheTableOfMetricsIsTrue(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", "trace{id=t,action=create,data={}}")
	values, help := s.scrape()
	labels := map[string][]string{}
	named := regexp.MustCompile(`(\w+)="`)
	for name := range values {
		base, rest, _ := strings.Cut(name, "{")
		for _, label := range named.FindAllStringSubmatch(rest, -1) {
			if label[1] != "le" && !slices.Contains(labels[base], label[1]) {
				labels[base] = append(labels[base], label[1])
			}
		}
	}
	var want []string
	for _, line := range help {
		name, text, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(name, "troupe_") {
			continue
		}
		if of := labels[name]; len(of) > 0 {
			name += "{" + strings.Join(of, ",") + "}"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s |", name, text))
	}
	page, err := os.ReadFile("../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile("(?m)^\\| `troupe_.*$").FindAllString(string(page), -1)
	slices.Sort(want)
	slices.Sort(got)
	equal(t, want, got)
	if len(want) < 10 {
		t.Errorf("there are %d metrics", len(want))
	}
}
