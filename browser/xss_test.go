package browser

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// hostileLines returns lines of traces that hold payloads in every field that is stored:
// ten payloads a trace, each in a generation, a tool call, a retrieval and an error.
func hostileLines(t *testing.T) (lines, traces []string) {
	t.Helper()
	quote := func(text string) string {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	all := payloads()
	for i, text := range all {
		p, trace := quote(text), fmt.Sprintf("x%d", i/10)
		key := quote(fmt.Sprintf("%d %s", i, text))
		if i%10 == 0 {
			traces = append(traces, trace)
			lines = append(lines,
				fmt.Sprintf(`session{id=s%s,action=create,data={"name":%s,"tags":{%s:%s},"startTimestamp":"2026-11-01T00:00:00Z"}}`, trace, p, key, p),
				fmt.Sprintf(`trace{id=%s,action=create,data={"name":%s,"sessionId":"s%s","input":%s,"output":%s,"tags":{%s:%s},"metadata":{%s:{"a":%s}},"startTimestamp":"2026-11-01T00:00:00Z"}}`,
					trace, p, trace, p, p, key, p, key, p),
				fmt.Sprintf(`trace{id=%s,action=add-feedback,data={"score":1,"comment":%s}}`, trace, p),
				fmt.Sprintf(`trace{id=%s,action=add-event,data={"id":"e","name":%s,"metadata":{%s:%s}}}`, trace, p, key, p),
				fmt.Sprintf(`trace{id=%s,action=add-attachment,data={"id":"a","type":"url","url":%s,"name":%s,"mimeType":%s}}`, trace, p, p, p))
		}
		lines = append(lines,
			fmt.Sprintf(`trace{id=%s,action=add-generation,data={"id":"g%d","name":%s,"model":%s,"provider":%s,"modelParameters":{%s:%s},"messages":[{"role":%s,"content":%s},{"role":"user","content":[{"type":"text","text":%s},{"type":"image_url","image_url":{"url":%s}}]}],"startTimestamp":"2026-11-01T00:00:01Z"}}`,
				trace, i, p, p, p, key, p, p, p, p, p),
			fmt.Sprintf(`generation{id=g%d,action=result,data={"result":{"model":%s,"choices":[{"finish_reason":%s,"message":{"role":"assistant","content":%s,"tool_calls":[{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}]}}]}}}`, i, p, p, p, p, p, p),
			fmt.Sprintf(`trace{id=%s,action=add-tool-call,data={"id":"c%d","name":%s,"description":%s,"args":%s}}`, trace, i, p, p, p),
			fmt.Sprintf(`tool_call{id=c%d,action=result,data={"result":%s}}`, i, p),
			fmt.Sprintf(`trace{id=%s,action=add-retrieval,data={"id":"r%d","name":%s,"input":%s,"docs":[%s,{%s:%s}]}}`, trace, i, p, p, p, key, p),
			fmt.Sprintf(`trace{id=%s,action=add-error,data={"id":"f%d","message":%s,"code":%s,"errorType":%s,"name":%s}}`, trace, i, p, p, p, p),
			fmt.Sprintf(`trace{id=%s,action=add-span,data={"id":"n%d","name":%s}}`, trace, i, p),
			fmt.Sprintf(`span{id=n%d,action=update,data={"input":%s,"metadata":{%s:%s},%s:%s}}`, i, p, key, p, key, p))
	}
	return lines, traces
}

// TestStoredTextRunsNothing is S7: 200 and more payloads in every stored field, on every
// page and in every export: no script of theirs runs, nothing is fetched from elsewhere,
// and no report of the Content-Security-Policy shows that one was tried.
func TestStoredTextRunsNothing(t *testing.T) {
	const repo = "hostile"
	lines, traces := hostileLines(t)
	if err := served.Post(t.Context(), repo, lines); err != nil {
		t.Fatal(err)
	}
	if n := len(payloads()); n < 200 {
		t.Fatalf("only %d payloads", n)
	}
	var paths []string
	add := func(path string, parameters ...string) {
		values := url.Values{"repo": {repo}}
		for i := 0; i < len(parameters); i += 2 {
			values.Set(parameters[i], parameters[i+1])
		}
		paths = append(paths, path+"?"+values.Encode())
	}
	add("/")
	add("/traces")
	add("/live")
	add("/traces", "q", payloads()[0])
	add("/search", "q", "script")
	add("/search", "q", "pwned")
	add("/diff", "a", "g1", "b", "g2")
	add("/diff", "a", traces[0], "b", traces[1])
	for i, trace := range traces {
		for _, view := range []string{"tree", "chat", "raw"} {
			add("/trace/"+trace, "view", view)
		}
		add("/session/s" + trace)
		for _, node := range []string{"g", "c", "r", "f", "n"} {
			kind := map[string]string{"g": "generation", "c": "tool_call", "r": "retrieval", "f": "error", "n": "span"}[node]
			add("/trace/"+trace, "node", kind+":"+node+fmt.Sprint(i*10+i%10))
		}
	}
	for i := 1; i < len(lines); i += 97 {
		add(fmt.Sprintf("/line/%d", i))
	}
	tab := open(t, chrome.View{Width: 1440, Height: 900})
	visited := 0
	for i, path := range paths {
		if i%40 == 39 { // a tab has a time to live
			tab.Close()
			tab = open(t, chrome.View{Width: 1440, Height: 900})
		}
		if err := tab.Go(path); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		safe(t, tab, path)
		visited++
	}
	t.Logf("%d pages", visited)
}

// safe checks a page that shows hostile text.
func safe(t *testing.T, tab *chrome.Tab, path string) {
	t.Helper()
	pwned, err := chrome.Eval[bool](tab, `typeof window.pwned !== 'undefined'`)
	if err != nil || pwned {
		t.Errorf("%s: a payload ran (%v)", path, err)
	}
	for _, fault := range tab.Faults() {
		t.Errorf("%s: %s", path, fault)
	}
}

// What is exported is a file that opens elsewhere: it runs nothing there either.
func TestExportedPagesRunNothing(t *testing.T) {
	const repo = "hostile"
	lines, traces := hostileLines(t)
	if err := served.Post(t.Context(), repo, lines); err != nil {
		t.Fatal(err)
	}
	for _, trace := range traces {
		text, err := served.Get(t.Context(), "/trace/"+trace+".html?repo="+repo)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), trace+".html")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "<script") {
			t.Errorf("the export of %s has a script", trace)
		}
		tab, err := chrom.Open("file://", chrome.View{Width: 1440, Height: 900})
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.Go(file); err != nil {
			t.Fatal(err)
		}
		safe(t, tab, "the export of "+trace)
		tab.Close()
	}
}
