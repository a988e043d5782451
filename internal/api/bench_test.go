package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// benchBatch is how many lines one request of a benchmark has.
const benchBatch = 1000

// benchBodies returns requests of agent turns with about 400 bytes a line.
func benchBodies(n int) [][]byte {
	bodies := make([][]byte, n)
	turn := 0
	for i := range bodies {
		var body bytes.Buffer
		for lines := 0; lines < benchBatch; lines += 9 {
			turn++
			body.WriteString(benchTurn(turn))
		}
		bodies[i] = bytes.Join(bytes.SplitAfterN(body.Bytes(), []byte("\n"), benchBatch+1)[:benchBatch], nil)
	}
	return bodies
}

// benchTurn is the nine lines of a turn with one generation and one tool call.
func benchTurn(n int) string {
	const start, end = `"startTimestamp":"2026-01-02T03:04:05.678901+00:00"`, `"endTimestamp":"2026-01-02T03:04:06.678901+00:00"`
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "word%d ", (n*7919+i*104729)%4093)
	}
	words := text.String()
	return fmt.Sprintf(`trace{id=t%[1]d,action=create,data={"name":"turn","tags":{"env":"prod"},%[2]s,"sessionId":"s%[4]d","input":%[5]q}}
trace{id=t%[1]d,action=add-generation,data={"id":"g%[1]d","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":%[5]q}],"modelParameters":{"temperature":"0.5"},"tags":{},%[2]s}}
generation{id=g%[1]d,action=result,data={"result":{"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":%[5]q}}],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}}}
generation{id=g%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=add-tool-call,data={"id":"c%[1]d","name":"lookup","description":"looks up","args":%[5]q,%[2]s}}
tool_call{id=c%[1]d,action=result,data={"result":%[5]q}}
tool_call{id=c%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=update,data={"output":%[5]q}}
trace{id=t%[1]d,action=end,data={%[3]s}}
`, n, start, end, n/10, words)
}

func benchCollector(b *testing.B) (*collector.Collector, string) {
	b.Helper()
	c, err := collector.New(collector.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(c)
	b.Cleanup(func() {
		h.Close()
		c.Close(b.Context())
	})
	return c, h.URL + "/api/sdk/v3/log?id=bench"
}

func send(b *testing.B, target string, body []byte) {
	answer, err := http.Post(target, "text/plain", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b.Fatal(answer.Status)
	}
}

func reportLines(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkIngest measures acknowledged lines of several clients over HTTP while
// folding goes on behind them.
func BenchmarkIngest(b *testing.B) {
	bodies := benchBodies(50)
	_, target := benchCollector(b)
	n := make(chan int, b.N)
	for i := range b.N {
		n <- i
	}
	b.SetParallelism(2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			send(b, target, bodies[<-n%len(bodies)])
		}
	})
	reportLines(b)
}

// BenchmarkSettle measures lines from being sent by one client until all are
// folded.
func BenchmarkSettle(b *testing.B) {
	bodies := benchBodies(b.N)
	c, target := benchCollector(b)
	b.ResetTimer()
	for i := range b.N {
		send(b, target, bodies[i])
	}
	if err := c.WaitIndexed(b.Context()); err != nil {
		b.Fatal(err)
	}
	reportLines(b)
}

// BenchmarkSearch measures lines from being sent by one client until all can be found,
// and folded.
func BenchmarkSearch(b *testing.B) {
	bodies := benchBodies(b.N)
	c, target := benchCollector(b)
	b.ResetTimer()
	for i := range b.N {
		send(b, target, bodies[i])
	}
	if err := errors.Join(c.WaitSearchable(b.Context()), c.WaitIndexed(b.Context())); err != nil {
		b.Fatal(err)
	}
	reportLines(b)
}

// BenchmarkRebuild measures folding and searching, beside each other.
func BenchmarkRebuild(b *testing.B) {
	bodies := benchBodies(b.N)
	c, target := benchCollector(b)
	for i := range b.N {
		send(b, target, bodies[i])
	}
	if err := c.WaitIndexed(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if err := c.Rebuild(b.Context()); err != nil {
		b.Fatal(err)
	}
	reportLines(b)
}
