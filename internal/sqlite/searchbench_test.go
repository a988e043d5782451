package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/store"
)

// benchText is a line that says 60 words, some of them seldom.
func benchText(n int) string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "word%d ", (n*7919+i*104729+n*n%977)%4093)
	}
	return fmt.Sprintf(`trace{id=t%d,action=update,data={"output":"%s needle%d","tags":{"env":"prod"}}}`, n, text.String(), n)
}

// BenchmarkGather measures making lines of 500 bytes searchable, 128 in a block.
func BenchmarkGather(b *testing.B) {
	ctx, dir := b.Context(), b.TempDir()
	log, err := sqlite.OpenLog(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	search, err := sqlite.OpenSearch(ctx, dir)
	if err != nil {
		b.Fatal(err)
	}
	defer search.Close()
	for n := 0; n < b.N; {
		batch := store.Batch{Repo: "repo"}
		for ; n < b.N && len(batch.Lines) < 4096; n++ {
			batch.Lines = append(batch.Lines, []byte(benchText(n)))
		}
		if _, err := log.Append(ctx, []store.Batch{batch}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	var faults project.Faults
	var at store.Cursor
	for {
		next, _, err := project.Gather(ctx, log, search, nil, &faults)
		if err != nil {
			b.Fatal(err)
		}
		if next == at {
			break
		}
		at = next
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	size, err := search.Size(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)/float64(b.N), "B/line")
}
