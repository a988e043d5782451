package transport

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// turns returns a body with the lines of n agent turns, each with one generation and one
// tool call. What people and models say in them is prose: the documentation of this
// module, each turn with a part of its own until it is used up.
func turns(b *testing.B, n int) []byte {
	b.Helper()
	var prose []byte
	for _, page := range slices.Concat(glob(b, "../docs/*.md"), glob(b, "../docs/internals/*.md"), glob(b, "../docs/internals/decisions/*.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			b.Fatal(err)
		}
		prose = append(prose, text...)
	}
	said := func(turn, part, bytes int) string {
		from := (turn*1000 + part*300) % (len(prose) - bytes)
		quoted, err := json.Marshal(string(prose[from : from+bytes]))
		if err != nil {
			b.Fatal(err)
		}
		return string(quoted)
	}
	const system = `{"role":"system","content":"You are a careful engineer who answers questions about a log server."}`
	var lines strings.Builder
	for i := range n {
		const start, end = `"startTimestamp":"2026-01-02T03:04:05.678901+00:00"`, `"endTimestamp":"2026-01-02T03:04:06.678901+00:00"`
		id := fmt.Sprintf("%08x-9c1d-4f6e-8a3b-%012x", uint32(i)*2654435761, uint64(i)*0x9e3779b97f4a7c15>>16)
		question, result, reply := said(i, 0, 300), said(i, 1, 200), said(i, 2, 400)
		fmt.Fprintf(&lines, `trace{id=%[1]s,action=create,data={"name":"agent turn","tags":{"env":"prod"},%[2]s,"sessionId":"s-%[4]d","input":%[5]s}}
trace{id=%[1]s,action=add-generation,data={"id":"g-%[1]s","model":"gpt-4o","provider":"openai","messages":[%[8]s,{"role":"user","content":%[5]s}],"modelParameters":{"temperature":0.7},%[2]s}}
trace{id=%[1]s,action=add-tool-call,data={"id":"c-%[1]s","name":"search","description":"searches the manual","args":"{\"turn\":%[4]d}",%[2]s}}
tool_call{id=c-%[1]s,action=result,data={"result":%[6]s}}
tool_call{id=c-%[1]s,action=end,data={%[3]s}}
generation{id=g-%[1]s,action=result,data={"result":{"id":"r-%[1]s","choices":[{"index":0,"message":{"role":"assistant","content":%[7]s},"finish_reason":"stop"}],"usage":{"prompt_tokens":128,"completion_tokens":116,"total_tokens":244}}}}
generation{id=g-%[1]s,action=end,data={%[3]s}}
trace{id=%[1]s,action=update,data={"output":%[7]s}}
trace{id=%[1]s,action=end,data={%[3]s}}
`, id, start, end, i, question, result, reply, system)
	}
	return []byte(strings.TrimSuffix(lines.String(), "\n"))
}

func glob(b *testing.B, pattern string) []string {
	b.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		b.Fatalf("%s: no documentation is found (%v)", pattern, err)
	}
	return paths
}

// BenchmarkSend measures Send to a server on this machine, without and with compression.
// MB/s is of plain bytes; ratio is plain bytes to bytes sent.
func BenchmarkSend(b *testing.B) {
	for _, n := range []int{1, 10, 75} {
		body := turns(b, n)
		for name, compress := range map[string]bool{"plain": false, "zstd": true} {
			b.Run(fmt.Sprintf("%d_turns/%s", n, name), func(b *testing.B) { benchmarkSend(b, body, compress) })
		}
	}
}

func benchmarkSend(b *testing.B, body []byte, compress bool) {
	var sent atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(r.ContentLength)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Accept-Encoding", codingZstd)
	}))
	defer s.Close()
	h, err := New(Config{BaseURL: s.URL, RepositoryID: "repo", APIKey: canaryKey})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	h.compression.pointless = !compress
	batch := Batch{Body: body, Lines: 1}
	if err := h.Send(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	sent.Store(0)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Send(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(body))*float64(b.N)/float64(sent.Load()), "ratio")
}
