package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// turnLines returns the nine lines of a turn with one generation and one tool call,
// about 400 bytes each.
func turnLines(n int) [][]byte {
	const start, end = `"startTimestamp":"2026-01-02T03:04:05.678901+00:00"`, `"endTimestamp":"2026-01-02T03:04:06.678901+00:00"`
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "word%d ", (n*7919+i*104729)%4093)
	}
	return bytes.Split(fmt.Appendf(nil, `trace{id=t%[1]d,action=create,data={"name":"turn","tags":{"env":"prod"},%[2]s,"sessionId":"s%[4]d","input":%[5]q}}
trace{id=t%[1]d,action=add-generation,data={"id":"g%[1]d","model":"gpt-4o","provider":"openai","messages":[{"role":"user","content":%[5]q}],"modelParameters":{"temperature":"0.5"},"tags":{},%[2]s}}
generation{id=g%[1]d,action=result,data={"result":{"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":%[5]q}}],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150}}}}
generation{id=g%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=add-tool-call,data={"id":"c%[1]d","name":"lookup","description":"looks up","args":%[5]q,%[2]s}}
tool_call{id=c%[1]d,action=result,data={"result":%[5]q}}
tool_call{id=c%[1]d,action=end,data={%[3]s}}
trace{id=t%[1]d,action=update,data={"output":%[5]q}}
trace{id=t%[1]d,action=end,data={%[3]s}}`, n, start, end, n/10, text.String()), []byte("\n"))
}

// openTurns is how many turns grow at the same time in BenchmarkFold.
const openTurns = 5000

// BenchmarkFold folds turns of which 5,000 grow at the same time, one line each in turn.
func BenchmarkFold(b *testing.B) {
	ctx := context.Background()
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		log, index, err := openParts(ctx, dir)
		if err != nil {
			b.Fatal(err)
		}
		lines := interleave(ctx, b, log, 2*openTurns)
		b.StartTimer()
		started := time.Now()
		foldAll(ctx, b, log, index)
		b.ReportMetric(float64(lines)/time.Since(started).Seconds(), "lines/s")
		b.StopTimer()
		index.Close()
		log.Close()
		b.StartTimer()
	}
}

// interleave stores turns so that openTurns of them grow at the same time.
func interleave(ctx context.Context, b *testing.B, log store.Log, turns int) (lines int) {
	batch := store.Batch{Repo: "repo", Spool: protocol.Producer{1}, First: 1, Recv: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for first := 0; first < turns; first += openTurns {
		open := make([][][]byte, openTurns)
		for i := range open {
			open[i] = turnLines(first + i)
		}
		for line := range open[0] {
			for i := range open {
				batch.Lines = append(batch.Lines, open[i][line])
				if len(batch.Lines) < 1000 {
					continue
				}
				if _, err := log.Append(ctx, []store.Batch{batch}); err != nil {
					b.Fatal(err)
				}
				lines += len(batch.Lines)
				batch.First += uint64(len(batch.Lines))
				batch.Lines = nil
			}
		}
	}
	return lines
}

func foldAll(ctx context.Context, b *testing.B, log store.Log, index store.Index) {
	var faults project.Faults
	for before := store.Cursor(-1); ; {
		at, err := project.Fold(ctx, log, index, nil, &faults)
		if err != nil {
			b.Fatal(err)
		}
		if at == before {
			return
		}
		before = at
	}
}
