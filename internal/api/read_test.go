package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/pricing"
)

// agentTurn is the lines of one turn of an agent, as clients send them.
var agentTurn = strings.Join([]string{
	`session{id=s1,action=create,data={"name":"Chat","tags":{"env":"prod"},"startTimestamp":"2026-01-02T03:04:00Z"}}`,
	`trace{id=t1,action=create,data={"name":"turn","tags":{},"startTimestamp":"2026-01-02T03:04:05.000001+00:00","sessionId":"s1","input":"hi"}}`,
	`trace{id=t1,action=add-span,data={"id":"sp2","name":"later","tags":{},"startTimestamp":"2026-01-02T03:04:07Z"}}`,
	`trace{id=t1,action=add-span,data={"id":"sp1","name":"plan","tags":{},"startTimestamp":"2026-01-02T03:04:06Z"}}`,
	`span{id=sp1,action=add-generation,data={"id":"g1","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":"hi"}],"modelParameters":{"temperature":"0.5"},"tags":{},"startTimestamp":"2026-01-02T03:04:06.5Z"}}`,
	`generation{id=g1,action=update,data={"messages":[{"role":"user","content":"more"}]}}`,
	`generation{id=g1,action=result,data={"result":{"id":"r1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4}}}}}`,
	`generation{id=g1,action=add-cost,data={"cost":{"input":0.25,"output":0.5,"total":0.75}}}`,
	`generation{id=g1,action=end,data={"endTimestamp":"2026-01-02T03:04:06.75Z"}}`,
	`span{id=sp1,action=add-retrieval,data={"id":"r1","tags":{},"startTimestamp":"2026-01-02T03:04:06.8Z"}}`,
	`retrieval{id=r1,action=update,data={"input":"q"}}`,
	`retrieval{id=r1,action=update,data={"docs":["d1","d2"]}}`,
	`retrieval{id=r1,action=update,data={"metrics":{"name":"recall","value":0.5}}}`,
	`retrieval{id=r1,action=end,data={"endTimestamp":"2026-01-02T03:04:06.9Z"}}`,
	`span{id=sp1,action=add-tool-call,data={"id":"c1","name":"lookup","description":"looks up","args":"{}","startTimestamp":"2026-01-02T03:04:06.95Z"}}`,
	`tool_call{id=c1,action=error,data={"error":{"message":"no"}}}`,
	`tool_call{id=c1,action=end,data={"endTimestamp":"2026-01-02T03:04:06.96Z"}}`,
	`span{id=sp1,action=add-error,data={"message":"m","code":"c","errorType":"t","name":"e"}}`,
	`trace{id=t1,action=add-event,data={"id":"e1","name":"click","timestamp":"2026-01-02T03:04:06Z","tags":{"a":"b"}}}`,
	`trace{id=t1,action=add-feedback,data={"score":5,"comment":"good"}}`,
	`trace{id=t1,action=evaluate,data={"with":"evaluators","evaluators":["bias"],"timestamp":"2026-01-02T03:04:06Z"}}`,
	`trace{id=t1,action=add-attachment,data={"id":"a1","type":"url","url":"https://example.com/a.png"}}`,
	`trace{id=t1,action=update,data={"output":"hello","tags":{"k":"v"},"metadata":{"x":"1"},"metrics":{"m":NaN,"n":2}}}`,
	`trace{id=t1,action=end,data={"endTimestamp":"2026-01-02T03:04:08.5Z"}}`,
}, "\n")

func at(second float64) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(second*1e6) * time.Microsecond)
}

func raw(texts ...string) []json.RawMessage {
	var values []json.RawMessage
	for _, text := range texts {
		values = append(values, json.RawMessage(text))
	}
	return values
}

type values = map[string]json.RawMessage

func TestTraceHasTheWholeTree(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", agentTurn)
	var got collector.Trace
	s.get("/api/v1/repositories/r/traces/t1", &got)

	generation := &collector.Node{
		Kind: "generation", ID: "g1", Status: "ended", Start: at(6.5), End: at(6.75), DurationMS: 250,
		Model: "gpt-4o", Provider: "openai", Parameters: values{"temperature": json.RawMessage(`"0.5"`)},
		Messages: raw(`{"role":"user","content":"hi"}`, `{"role":"user","content":"more"}`),
		Result:   raw(`{"id":"r1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4}}}`)[0],
		Usage:    collector.Usage{Input: 10, Output: 5, Total: 15, CacheRead: 4},
		Cost:     collector.Cost{Input: pricing.Dollar / 4, Output: pricing.Dollar / 2, Total: 3 * pricing.Dollar / 4}, Lines: 5,
	}
	retrieval := &collector.Node{
		Kind: "retrieval", ID: "r1", Status: "ended", Start: at(6.8), End: at(6.9), DurationMS: 100,
		Input: raw(`"q"`)[0], Docs: raw(`["d1","d2"]`)[0], Metrics: values{"recall": json.RawMessage("0.5")}, Lines: 5,
	}
	tool := &collector.Node{
		Kind: "tool_call", ID: "c1", Name: "lookup", Status: "error", Start: at(6.95), End: at(6.96), DurationMS: 10,
		Description: "looks up", Args: raw(`"{}"`)[0], Error: raw(`{"message":"no"}`)[0], Lines: 3,
	}
	failure := &collector.Node{
		Kind: "error", Name: "e", Status: "error",
		Message: raw(`"m"`)[0], Code: raw(`"c"`)[0], ErrorType: raw(`"t"`)[0], Lines: 1,
	}
	want := collector.Trace{
		Node: collector.Node{
			Kind: "trace", ID: "t1", Name: "turn", Status: "ended", SessionID: "s1",
			Start: at(5.000001), End: at(8.5), DurationMS: 3499.999,
			Input: raw(`"hi"`)[0], Output: raw(`"hello"`)[0],
			Tags: values{"k": json.RawMessage(`"v"`)}, Metadata: values{"x": json.RawMessage(`"1"`)},
			Metrics:     values{"n": json.RawMessage("2")}, // NaN is no number
			Events:      raw(`{"id":"e1","name":"click","timestamp":"2026-01-02T03:04:06Z","tags":{"a":"b"}}`),
			Feedback:    raw(`{"score":5,"comment":"good"}`),
			Evaluations: raw(`{"with":"evaluators","evaluators":["bias"],"timestamp":"2026-01-02T03:04:06Z"}`),
			Attachments: raw(`{"id":"a1","type":"url","url":"https://example.com/a.png"}`),
			Lines:       9,
			Children: []*collector.Node{
				{Kind: "span", ID: "sp1", Name: "plan", Status: "error", Start: at(6), Lines: 5,
					Children: []*collector.Node{generation, retrieval, tool, failure}},
				{Kind: "span", ID: "sp2", Name: "later", Status: "open", Start: at(7), Lines: 1},
			},
		},
		Totals: collector.Totals{
			Usage: collector.Usage{Input: 10, Output: 5, Total: 15, CacheRead: 4},
			Cost:  collector.Cost{Input: pricing.Dollar / 4, Output: pricing.Dollar / 2, Total: 3 * pricing.Dollar / 4},
			Entities: map[string]int{
				"trace": 1, "span": 2, "generation": 1, "retrieval": 1, "tool_call": 1, "error": 1,
			},
		},
	}
	// An error without an id gets one made of its place.
	anonymous := got.Children[0].Children[3]
	if !strings.HasPrefix(anonymous.ID, "anon-") {
		t.Errorf("the error without an id has id %q", anonymous.ID)
	}
	anonymous.ID = ""
	equal(t, want, got)
}

func TestStatsAreExactlyThese(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", agentTurn)
	_, text := s.do("GET", "/api/v1/repositories/r/stats", nil)
	var got, want bytes.Buffer
	if err := json.Compact(&got, []byte(text)); err != nil {
		t.Fatal(err)
	}
	// Open are the session and the span "later" and "plan".
	json.Compact(&want, []byte(`{"lines":24,"entities":{"error":1,"generation":1,"retrieval":1,"session":1,"span":2,
		"tool_call":1,"trace":1},"open":3}`))
	equal(t, want.String(), got.String())

	_, text = s.do("GET", "/api/v1/repositories/unknown/stats", nil)
	var empty collector.Stats
	s.decode(text, &empty)
	equal(t, []int{0, 7, 0}, []int{int(empty.Lines), len(empty.Entities), empty.Open})
}

func TestListsShowWhatIsBelow(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", agentTurn)
	var traces collector.Page[collector.TraceSummary]
	s.get("/api/v1/repositories/r/traces", &traces)
	equal(t, collector.Page[collector.TraceSummary]{Data: []collector.TraceSummary{{
		ID: "t1", Name: "turn", SessionID: "s1", Status: "ended", Start: at(5.000001), End: at(8.5), DurationMS: 3499.999,
		Tags:  map[string]string{"k": "v"},
		Usage: collector.Usage{Input: 10, Output: 5, Total: 15, CacheRead: 4}, Cost: collector.Cost{Input: pricing.Dollar / 4, Output: pricing.Dollar / 2, Total: 3 * pricing.Dollar / 4},
		Entities: 6, Errors: 1,
	}}}, traces)

	var sessions collector.Page[collector.SessionSummary]
	s.get("/api/v1/repositories/r/sessions", &sessions)
	equal(t, collector.Page[collector.SessionSummary]{Data: []collector.SessionSummary{{
		ID: "s1", Name: "Chat", Status: "open", Start: at(0), Tags: map[string]string{"env": "prod"}, Traces: 1,
	}}}, sessions)

	var session collector.Session
	s.get("/api/v1/repositories/r/sessions/s1", &session)
	equal(t, []any{"session", "s1", "Chat", 1, traces.Data}, []any{session.Kind, session.ID, session.Name, session.Lines, session.Traces})
}

func TestListsArePaged(t *testing.T) {
	s := start(t, collector.Config{})
	var lines, order []string
	for i := range 120 {
		lines = append(lines, fmt.Sprintf(`trace{id=t%03d,action=create,data={"sessionId":"s%03d","startTimestamp":"2026-01-01T00:00:%02dZ"}}`, i, i, i/2))
	}
	s.post("r", strings.Join(lines, "\n"))
	seen := map[string]bool{}
	for path, pages := "/api/v1/repositories/r/traces?limit=50", 1; ; pages++ {
		var page collector.Page[collector.TraceSummary]
		s.get(path, &page)
		for _, trace := range page.Data {
			if seen[trace.ID] {
				t.Errorf("%s came twice", trace.ID)
			}
			seen[trace.ID] = true
			order = append(order, trace.ID)
		}
		if page.Next == "" {
			equal(t, []int{3, 20}, []int{pages, len(page.Data)})
			break
		}
		path = "/api/v1/repositories/r/traces?limit=50&cursor=" + url.QueryEscape(page.Next)
	}
	equal(t, 120, len(seen))
	if first, second := order[0], order[1]; first+second != "t118t119" && first+second != "t119t118" {
		t.Errorf("the list begins with %s and %s, not the newest", first, second)
	}
	for _, path := range []string{"traces?cursor=nonsense", "traces?limit=0", "traces?limit=x", "sessions?cursor=AAAA", "lines?after=-1", "lines?limit=0"} {
		status, text := s.do("GET", "/api/v1/repositories/r/"+path, nil)
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
}

func TestOddIDsInPaths(t *testing.T) {
	s := start(t, collector.Config{})
	for _, id := range []string{"null", "a b", "a/b", "a%2Fb", "..", "é\x00", "\xff", "a?b#c", "a=b,c"} {
		s.post("odd/repo", "trace{id="+id+",action=create,data={\"name\":\"n\"}}")
		var got collector.Trace
		s.get("/api/v1/repositories/odd%2Frepo/traces/"+strings.ReplaceAll(url.PathEscape(id), ".", "%2E"), &got)
		equal(t, []string{strings.ToValidUTF8(id, "\uFFFD"), "n"}, []string{got.ID, got.Name})
	}
	status, text := s.do("GET", "/api/v1/repositories/r/traces/null", nil)
	s.wantError(status, text, http.StatusNotFound, "not_found")
	status, text = s.do("GET", "/api/v1/repositories/r/sessions/null", nil)
	s.wantError(status, text, http.StatusNotFound, "not_found")
}

func TestReadersSeeWhatWasAcknowledgedBefore(t *testing.T) {
	s := start(t, collector.Config{})
	for i := range 50 {
		id := fmt.Sprintf("t%d", i)
		s.post("r", `trace{id=`+id+`,action=create,data={}}`)
		if status, _ := s.do("GET", "/api/v1/repositories/r/traces/"+id, nil); status != http.StatusOK {
			t.Fatalf("trace %d: status %d", i, status)
		}
	}
}

func TestLinesArePagedByNumber(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", agentTurn)
	_, text := s.do("GET", "/api/v1/repositories/r/lines?after=22&limit=1", nil)
	equal(t, `{"seq":23,"line":"trace{id=t1,action=update,data={\"output\":\"hello\",\"tags\":{\"k\":\"v\"},\"metadata\":{\"x\":\"1\"},\"metrics\":{\"m\":NaN,\"n\":2}}}"}`+"\n", text)
}

func TestRebuildMakesTheSame(t *testing.T) {
	s := start(t, collector.Config{})
	s.post("r", agentTurn)
	read := func() (texts []string) {
		for _, path := range []string{"traces", "sessions", "stats", "traces/t1", "sessions/s1"} {
			_, text := s.do("GET", "/api/v1/repositories/r/"+path, nil)
			texts = append(texts, text)
		}
		return texts
	}
	before := read()
	if err := s.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, before, read())
}

func TestTemporaryFolderAndClose(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c, err := collector.New(collector.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if n := entries(t); n != 1 {
		t.Errorf("%d entries in the folder for temporary files, want 1", n)
	}
	for range 2 {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := entries(t); n != 0 {
		t.Errorf("%d entries are left behind", n)
	}
	if err := c.WaitIndexed(t.Context()); err == nil {
		t.Error("a closed collector settled")
	}
}

// The time for a row of a list must not grow with what is below it: it is bounded by
// that of one query. The circle makes each of the spans its own descendant.
func TestListsOfLargeTracesInCirclesAnswer(t *testing.T) {
	const spans = 20_000
	s := start(t, collector.Config{})
	var body strings.Builder
	body.WriteString(`trace{id=t,action=create,data={}}` + "\n" + `span{id=s0,action=add-trace,data={"id":"t"}}` + "\n")
	for i := range spans {
		fmt.Fprintf(&body, "trace{id=t,action=add-span,data={\"id\":\"s%d\"}}\n", i)
	}
	s.post("r", body.String())
	if err := s.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	var page collector.Page[collector.TraceSummary]
	s.get("/api/v1/repositories/r/traces", &page)
	if len(page.Data) != 1 || page.Data[0].Entities != spans {
		t.Errorf("the list is %+v", page.Data)
	}
}
