package export

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
)

// BenchmarkFormats writes a trace of 2,000 nodes, a tenth of which are model calls.
func BenchmarkFormats(b *testing.B) {
	trace := &fold.Node{Kind: "trace", ID: "t"}
	for i := range 200 {
		g := hostile("generation", fmt.Sprint("text ", i))
		g.ID, g.Status = fmt.Sprint(i), "ended"
		for j := range 9 {
			g.Children = append(g.Children, &fold.Node{Kind: "tool_call", ID: fmt.Sprint(i, j), Name: "find", Args: []byte(`{"id":7}`), Result: []byte(`"found"`)})
		}
		trace.Children = append(trace.Children, g)
	}
	for name, write := range formats {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(context.Background(), io.Discard, trace); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
