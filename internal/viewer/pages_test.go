package viewer_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/viewer/xsstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a collector of this process.
type site struct {
	*testing.T
	server *collector.Server
}

// open starts a collector and stores lines in the repository r.
func open(t *testing.T, lines ...string) *site {
	t.Helper()
	server, err := collector.Start(collector.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := server.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	s := &site{t, server}
	s.log(lines...)
	return s
}

func (s *site) log(lines ...string) {
	s.Helper()
	if len(lines) == 0 {
		return
	}
	resp, err := http.Post(s.server.URL()+"/api/sdk/v3/log?id=r", "text/plain", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"refused":0`) {
		s.Fatalf("%s: %s", resp.Status, answer)
	}
}

// get returns the status and the text of a page.
func (s *site) get(path string) (int, string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.server.URL()+path, http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	return s.do(req)
}

// do sends a request of a page.
func (s *site) do(req *http.Request) (int, string) {
	s.Helper()
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		s.Errorf("%s has the policy %q", req.URL.Path, policy)
	}
	return resp.StatusCode, string(text)
}

// want checks that a page is answered 200 and holds some texts.
func (s *site) want(path string, texts ...string) string {
	s.Helper()
	status, body := s.get(path)
	if status != http.StatusOK {
		s.Errorf("%s is answered %d", path, status)
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		s.Errorf("%s has %d first headings", path, n)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.Errorf("%s does not hold %q", path, text)
		}
	}
	return body
}

// turn is a trace of a session with a model call, a tool call that fails, and a span.
func turn(id string) []string {
	return []string{
		`session{id=s1,action=create,data={"name":"talk"}}`,
		`trace{id=` + id + `,action=create,data={"name":"turn ` + id + `","sessionId":"s1","input":"where is it?","tags":{"env":"prod"},"startTimestamp":"2026-11-22T10:00:00Z"}}`,
		`trace{id=` + id + `,action=add-generation,data={"id":"g` + id + `","name":"answer","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":"where is it?"}],"startTimestamp":"2026-11-22T10:00:01Z"}}`,
		`generation{id=g` + id + `,action=result,data={"result":{"choices":[{"message":{"role":"assistant","content":"on its way"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}}}`,
		`generation{id=g` + id + `,action=end,data={"endTimestamp":"2026-11-22T10:00:02Z"}}`,
		`trace{id=` + id + `,action=add-tool-call,data={"id":"c` + id + `","name":"track","args":"{\"id\":9007199254740993}","startTimestamp":"2026-11-22T10:00:02Z"}}`,
		`tool_call{id=c` + id + `,action=error,data={"error":{"message":"no such parcel"}}}`,
		`trace{id=` + id + `,action=end,data={"endTimestamp":"2026-11-22T10:00:05Z"}}`,
	}
}

func TestTraceListShowsAndNarrows(t *testing.T) {
	s := open(t, append(turn("t1"), `trace{id=t2,action=create,data={"name":"other","startTimestamp":"2026-11-22T11:00:00Z"}}`)...)
	s.want("/traces", "turn t1", "where is it?", "on its way", "other", "◌", "env=prod", "gpt-4o", "track")
	if body := s.want("/traces?q=model:gpt-4o", "turn t1"); strings.Contains(body, ">other<") {
		t.Error("a trace without the model is listed")
	}
	s.want("/traces?q=status:open", ">other<")
	s.want("/traces?q=dur:%3Esoon+model:gpt-4o", "<u>dur:&gt;soon</u>", "turn t1")
	s.want("/traces?q=model:none+status:open", "No traces match", "Without <code>model:none</code>", "status:open")
	s.want("/traces?sort=slowest", "turn t1")
	s.want("/traces?repo=none", "Waiting for the first trace", "troupe demo", "logger.New")
}

func TestTraceListIsPaged(t *testing.T) {
	var lines []string
	for i := range 120 {
		lines = append(lines, fmt.Sprintf(`trace{id=p%03d,action=create,data={"name":"p%03d","startTimestamp":"2026-11-22T10:%02d:%02dZ"}}`, i, i, i/60, i%60))
	}
	s := open(t, lines...)
	seen := map[string]int{}
	for path, pages := "/traces", 0; path != ""; pages++ {
		body := s.want(path)
		for i := range 120 {
			if strings.Contains(body, fmt.Sprintf(">p%03d</a>", i)) {
				seen[fmt.Sprintf("p%03d", i)]++
			}
		}
		_, rest, found := strings.Cut(body, `href="/traces?after=`)
		if !found || pages > 5 {
			break
		}
		after, _, _ := strings.Cut(rest, `"`)
		path = "/traces?after=" + strings.ReplaceAll(after, "&amp;", "&")
	}
	if len(seen) != 120 {
		t.Errorf("%d of 120 traces are on the pages", len(seen))
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s is listed %d times", name, n)
		}
	}
}

func TestTracePageHasTreeDetailChatAndRaw(t *testing.T) {
	s := open(t, turn("t1")...)
	s.want("/trace/t1", "<title>", "turn t1", "answer", "gpt-4o", "track", "treegrid", "1 error", "/session/s1", "120")
	s.want("/trace/t1?node=tool_call:ct1", "no such parcel", "9007199254740993", "Raw")
	s.want("/trace/t1?node=generation:gt1", "where is it?", "on its way", "100 in", "20 out")
	s.want("/trace/t1?node=span:none", "has no node with that address")
	s.want("/trace/t1?view=chat", "where is it?", "on its way")
	s.want("/trace/t1?view=raw", "action=add-generation", "/line/2")
	if status, _ := s.get("/trace/none"); status != http.StatusNotFound {
		t.Errorf("an unknown trace is answered %d", status)
	}
	for suffix, text := range map[string]string{".json": `"kind":"trace"`, ".md": "on its way", ".html": "on its way", ".otlp": "resourceSpans", ".jsonl": "add-tool-call"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/trace/t1"+suffix, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), text) || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %s, %d bytes, %q", suffix, resp.Status, len(body), resp.Header.Get("Content-Disposition"))
		}
	}
	status, body := s.get("/trace/t1/node?node=tool_call:ct1")
	if status != http.StatusOK || !strings.Contains(body, "no such parcel") || strings.Contains(body, "<html") {
		t.Errorf("the fragment is answered %d: %.200s", status, body)
	}
}

// What a client cut is shown with its size, each of the lines of an entity having a list.
func TestCutValuesAreMarked(t *testing.T) {
	mark := func(path string) string {
		return `"metadata":{"troupe.cut":"[{\"path\":\"` + path + `\",\"bytes\":10485760,\"kept\":65536}]"}`
	}
	s := open(t, `trace{id=t1,action=create,data={"name":"n","input":"a…b",`+mark("input")+`}}`, `trace{id=t1,action=update,data={"output":"c",`+mark("output<b>")+`}}`,
		`trace{id=t1,action=add-feedback,data={"score":1,`+mark("comment")+`}}`)
	s.want("/trace/t1?node=trace:t1", "✂ input: 65,536 of 10,485,760 bytes", "✂ output&lt;b&gt;: 65,536 of 10,485,760 bytes", "✂ comment: 65,536")
}

func TestNodesWithoutParentAreMarkedAndShown(t *testing.T) {
	s := open(t, `trace{id=t1,action=create,data={"name":"half"}}`, `trace{id=t1,action=add-span,data={"id":"a"}}`, `span{id=b,action=add-span,data={"id":"c","name":"lost"}}`,
		`trace{id=t1,action=add-span,data={"id":"b2"}}`, `span{id=b2,action=end,data={}}`, `generation{id=g9,action=end,data={}}`)
	s.want("/trace/t1", "half")
}

func TestLargeTreesArePagedByTheServer(t *testing.T) {
	lines := []string{`trace{id=t1,action=create,data={"name":"large"}}`}
	for i := range 450 {
		lines = append(lines, fmt.Sprintf(`trace{id=t1,action=add-span,data={"id":"n%d","name":"span %d","startTimestamp":"2026-11-22T10:00:00.%03dZ"}}`, i, i, i))
	}
	s := open(t, lines...)
	if body := s.want("/trace/t1", "span 98", "More rows"); strings.Contains(body, "span 100<") {
		t.Error("more than 100 rows are on the first page")
	}
	s.want("/trace/t1?from=400", "span 449", "Earlier rows")
	if status, body := s.get("/trace/t1/nodes"); status != http.StatusOK || strings.Count(body, "span 4") < 50 {
		t.Errorf("the tree JSON is answered %d with %d bytes", status, len(body))
	}
}

// Whatever was logged is text: names, ids, tags and contents that hold markup.
func TestHostileTextStaysText(t *testing.T) {
	payload := `<script>alert(1)</script>"><img src=x onerror=alert(2)>`
	quoted := `"<script>alert(1)</script>\"><img src=x onerror=alert(2)>"`
	s := open(t,
		`trace{id=h1,action=create,data={"name":`+quoted+`,"input":`+quoted+`,"tags":{`+quoted+`:`+quoted+`},"metadata":{`+quoted+`:`+quoted+`}}}`,
		`trace{id=h1,action=add-generation,data={"id":"hg","name":`+quoted+`,"model":`+quoted+`,"messages":[{"role":`+quoted+`,"content":`+quoted+`}]}}`)
	for _, path := range []string{"/traces", "/traces?q=" + url.QueryEscape(payload), "/trace/h1", "/trace/h1?view=chat", "/trace/h1?view=raw", "/trace/h1?node=generation:hg"} {
		_, body := s.get(path)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s holds markup that was logged", path)
		}
	}
	if len(xsstest.Payloads()) < 200 {
		t.Error("there are too few payloads for the browser's test")
	}
}

// What is odd about where a row stands is in the page, and in the rows of the script.
func TestTheTreeSaysWhatIsOdd(t *testing.T) {
	s := open(t, `trace{id=t1,action=create,data={"name":"turn","startTimestamp":"2026-11-22T10:00:01Z"}}`,
		`trace{id=t1,action=add-span,data={"id":"early","name":"early","startTimestamp":"2026-11-22T10:00:00.500Z"}}`,
		`span{id=early,action=add-span,data={"id":"below","name":"below","startTimestamp":"2026-11-22T10:00:02Z"}}`)
	for _, path := range []string{"/trace/t1", "/trace/t1/nodes"} {
		status, body := s.get(path)
		if status != http.StatusOK || strings.Count(body, "500 ms before its parent") != 1 {
			t.Errorf("%s does not say that one span began before its trace: %d %s", path, status, body)
		}
	}
}
